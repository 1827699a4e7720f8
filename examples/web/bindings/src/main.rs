//! `bindings MODULE.wasm FOLDER`: writes the module and the JavaScript that calls it into the folder, as `wasm-bindgen --target
//! web` does. Being a package of this workspace, it always has the version that the module was compiled with.

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(module), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bindings MODULE.wasm FOLDER".into());
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).web(true)?.typescript(false).remove_name_section(true);
    Ok(bindgen.generate(folder)?)
}
