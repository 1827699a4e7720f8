// src-tauri/src/lib.rs
pub fn run() {
    tauri::Builder::default()
        .plugin(tauri_plugin_single_instance::init(|_app, _arguments, _folder| {}))
        .plugin(tauri_plugin_opener::init())
        .setup(auth::setup)
        .invoke_handler(tauri::generate_handler![auth::log_in, auth::call_api, auth::log_out])
        .run(tauri::generate_context!())
        .expect("the app cannot run");
}
