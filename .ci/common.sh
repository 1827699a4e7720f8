# shellcheck shell=bash
# Sourced by the scripts of this folder: where things are, and functions that install missing tools.
#
#   ROOT    the repository; the working directory of every script
#   TARGET  cargo's target directory (CARGO_TARGET_DIR, or target/ in the repository)
#   CACHE   compilers and cargo tools that are kept from run to run, outside of the repository
#   HOST    the target triple of this machine
set -Eeuo pipefail
failed() { echo "${0##*/}: failed: $BASH_COMMAND" >&2; }
trap failed ERR
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
TARGET=$(realpath -m "${CARGO_TARGET_DIR:-target}")
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/oauth-proto
HOST=$(rustc -vV | sed -n 's/^host: //p')
export ROOT TARGET CACHE HOST CARGO_TARGET_DIR=$TARGET PATH="$CACHE/tools/bin:$PATH"
export CARGO_INSTALL_ROOT=$CACHE/tools DEBIAN_FRONTEND=noninteractive
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS # they would win over the flags that a script sets for one target

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# apt ARGUMENTS…: runs apt-get; if that fails, updates the package lists, which may be old or missing, and tries again.
apt() {
    local options=(-qq -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0)
    apt-get "${options[@]}" "$@" || { apt-get "${options[@]}" update && apt-get "${options[@]}" "$@"; }
}

# need COMMAND PACKAGE: installs Debian's PACKAGE if COMMAND is missing.
need() {
    command -v "$1" >/dev/null || apt install -y --no-install-recommends "$2" >/dev/null
    command -v "$1" >/dev/null || die "$1 is missing; Debian's package $2 has it"
}

# need_backport COMMAND PACKAGE: the same from the backports of this Debian release, for a package of the release that is too old.
# If the machine has no backports, they are added to its package sources, at the server that its other packages come from.
need_backport() {
    ! command -v "$1" >/dev/null || return 0
    local release sources server
    release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    # shellcheck disable=SC2016 # apt's own variables
    listed() { apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages'; }
    [ -n "$(listed)" ] || apt update # only what was fetched once is listed
    sources=$(listed)
    if ! grep -q "^$release-backports main " <<<"$sources"; then
        server=$(sed -n "s/^$release main //p" <<<"$sources" | head -n 1)
        [ -n "$server" ] || die "this machine has no package source for Debian's release '$release'"
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $server $release-backports main" \
            >"/etc/apt/sources.list.d/$release-backports.list"
        apt update
    fi
    apt install -y --no-install-recommends --target-release "$release-backports" "$2" >/dev/null
    command -v "$1" >/dev/null || die "$1 is missing; the package $2 of $release-backports has it"
}

# cargo_tool NAME VERSION: installs this cargo subcommand in CACHE, unless it is there in this version.
cargo_tool() {
    if [ "$(cargo "${1#cargo-}" --version 2>/dev/null)" != "$1 $2" ]; then
        CARGO_TARGET_DIR=$CACHE/build cargo install --quiet --locked --force "$1@$2"
        rm -rf "$CACHE/build"
    fi
}

# debian_rust VERSION: from now on, cargo, rustc and rustdoc are Debian's of this version. They have a target directory of
# their own, so that two compilers do not rebuild each other's output.
debian_rust() {
    local dir
    dir=$(.ci/debian-rust "$1")
    LD_LIBRARY_PATH=$(printf '%s:' "$dir"/{usr/,}lib/*-linux-gnu)${LD_LIBRARY_PATH:-}
    export PATH="$dir/usr/bin:$PATH" RUSTC=$dir/usr/bin/rustc RUSTDOC=$dir/usr/bin/rustdoc LD_LIBRARY_PATH
    export CARGO_TARGET_DIR=$TARGET/debian-$1
    rustc --version
    cargo --version
}

# wasm_cargo COMMAND ARGUMENTS…: `cargo COMMAND ARGUMENTS` for WebAssembly, with std, into $TARGET/wasm. Where the installed Rust
# has no std for that (`rustup target add wasm32-unknown-unknown` brings it), Debian's Rust builds it from its sources.
wasm_cargo() (
    arguments=("$@" --target wasm32-unknown-unknown)
    environment=("CARGO_TARGET_DIR=$TARGET/wasm")
    if [ ! -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ]; then
        command -v apt-get >/dev/null || die "first: rustup target add wasm32-unknown-unknown"
        debian_rust newest
        need wasm-ld lld
        environment+=(RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld)
        arguments+=("-Zbuild-std=std,panic_abort")
    fi
    env "${environment[@]}" cargo "${arguments[@]}"
)
