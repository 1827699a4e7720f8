// In auth.rs, with `browser: Mutex<DeepLink>` in `Auth`:
use oauth_native::browser::DeepLink;
use tauri_plugin_deep_link::DeepLinkExt;

fn browser(app: &tauri::App) -> Result<DeepLink, Box<dyn Error>> {
    let handle = app.handle().clone();
    let open = move |url: &str| handle.opener().open_url(url, None::<&str>).map_err(io::Error::other);
    let (browser, links) = DeepLink::new(open);
    // The link that has started the app, and those that come later.
    for url in app.deep_link().get_current()?.unwrap_or_default() {
        links.deliver(url);
    }
    app.deep_link().on_open_url(move |event| {
        for url in event.urls() {
            links.deliver(url);
        }
    });
    #[cfg(any(target_os = "linux", windows))]
    app.deep_link().register_all()?;
    Ok(browser)
}
