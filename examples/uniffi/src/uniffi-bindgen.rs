//! The generator of the bindings, in the version of `UniFFI` that the library is built with.

fn main() {
    uniffi::uniffi_bindgen_main();
}
