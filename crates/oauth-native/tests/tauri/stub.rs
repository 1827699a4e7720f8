//! The parts of Tauri 2.12, and of its plugins for links (2.6), URLs (2.7) and single instances (2.4), that the page uses: the
//! names and types of their functions, without what they do. Tauri itself needs a web view of the system.

pub mod tauri {
    use std::error::Error;
    use std::future::Future;
    use std::ops::Deref;

    pub struct App(AppHandle);

    #[derive(Clone)]
    pub struct AppHandle;

    impl App {
        pub fn handle(&self) -> &AppHandle {
            &self.0
        }
    }

    pub trait Manager {
        fn manage<T: Send + Sync + 'static>(&self, _: T) -> bool {
            true
        }

        fn path(&self) -> &path::PathResolver {
            &path::PathResolver
        }
    }

    impl Manager for App {}
    impl Manager for AppHandle {}

    pub mod path {
        pub struct PathResolver;

        impl PathResolver {
            pub fn app_local_data_dir(&self) -> std::io::Result<std::path::PathBuf> {
                Ok(std::env::temp_dir())
            }
        }
    }

    pub mod async_runtime {
        pub use tokio::sync::Mutex;
    }

    pub struct State<'r, T: Send + Sync + 'static>(&'r T);

    impl<T: Send + Sync + 'static> Deref for State<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0
        }
    }

    pub struct Plugin;

    /// What a command is for the web view: its future must be `Send`.
    pub fn command<'a, T: Send + Sync + 'static, R, F>(_: impl Fn(State<'a, T>) -> F)
    where
        F: Future<Output = Result<R, String>> + Send,
    {
    }

    #[derive(Default)]
    pub struct Builder;

    impl Builder {
        pub fn plugin(self, _: Plugin) -> Self {
            self
        }

        pub fn setup<F>(self, _: F) -> Self
        where
            F: FnOnce(&mut App) -> Result<(), Box<dyn Error>> + Send + 'static,
        {
            self
        }

        pub fn invoke_handler(self, _: ()) -> Self {
            self
        }

        pub fn run(self, _: ()) -> Result<(), Box<dyn Error>> {
            Ok(())
        }
    }

    macro_rules! generate_handler {
        ($log_in:path, $call_api:path, $log_out:path) => {{
            tauri::command($log_in);
            tauri::command(|auth| $call_api(auth, "/me".into()));
            tauri::command($log_out);
        }};
    }
    macro_rules! generate_context {
        () => {
            ()
        };
    }
    pub(crate) use {generate_context, generate_handler};
}

pub mod tauri_plugin_opener {
    use super::tauri::{Manager, Plugin};

    pub struct Opener;

    impl Opener {
        pub fn open_url(&self, _: impl Into<String>, _: Option<impl Into<String>>) -> Result<(), std::fmt::Error> {
            Ok(())
        }
    }

    pub trait OpenerExt {
        fn opener(&self) -> &Opener {
            &Opener
        }
    }

    impl<T: Manager> OpenerExt for T {}

    pub fn init() -> Plugin {
        Plugin
    }
}

pub mod tauri_plugin_single_instance {
    use super::tauri::{AppHandle, Plugin};

    pub fn init<F: FnMut(&AppHandle, Vec<String>, String) + Send + Sync + 'static>(_: F) -> Plugin {
        Plugin
    }
}

pub mod tauri_plugin_deep_link {
    use super::tauri::Manager;

    pub struct DeepLink;
    pub struct OpenUrlEvent;
    pub type EventId = u32;
    /// `url::Url` there, which is `Into<String>` too.
    pub type Url = String;

    impl OpenUrlEvent {
        pub fn urls(self) -> Vec<Url> {
            Vec::new()
        }
    }

    impl DeepLink {
        pub fn get_current(&self) -> Result<Option<Vec<Url>>, std::io::Error> {
            Ok(None)
        }

        pub fn on_open_url<F: Fn(OpenUrlEvent) + Send + Sync + 'static>(&self, _: F) -> EventId {
            0
        }

        pub fn register_all(&self) -> Result<(), std::io::Error> {
            Ok(())
        }
    }

    pub trait DeepLinkExt {
        fn deep_link(&self) -> &DeepLink {
            &DeepLink
        }
    }

    impl<T: Manager> DeepLinkExt for T {}
}
