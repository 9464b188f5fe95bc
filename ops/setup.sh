# Shared by the scripts of ops/: finds or installs what they need, and says so. Sourced, never run.
#
# Nothing is installed outside the system's packages (apt, as root only), the Rust toolchain that rust-toolchain.toml names (rustup
# does that) and one cache folder, so a second run only looks. The one thing made here is .libtorch, a link into that folder.

CARGO_DENY_VERSION=0.20.2
CACHE_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/care-engine
STEP_NAME=
STEP_START=0
STEP_TIMES=()

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' PLAIN=$'\e[0m'; else BOLD='' DIM='' RED='' PLAIN=''; fi

# Prints one line about what happens now.
say() { printf '%s\n' "${DIM}·${PLAIN} $*"; }

# Prints why nothing more can be done, and ends the script.
fail() {
    printf '%s\n' "${RED}✗ $*${PLAIN}" >&2
    exit 1
}

# Runs the rest of its arguments as the step that the first one names, and notes its wall time.
step() {
    STEP_NAME=$1
    STEP_START=$SECONDS
    shift
    printf '\n%s\n' "${BOLD}▸ $STEP_NAME${PLAIN}"
    "$@"
    STEP_TIMES+=("$(printf '%6d s  %s' "$((SECONDS - STEP_START))" "$STEP_NAME")")
    STEP_NAME=
}

# Names the step that ended the script.
report_failed_step() {
    local status=$?
    if [ "$status" -ne 0 ] && [ -n "$STEP_NAME" ]; then
        printf '\n%s\n' "${RED}✗ $STEP_NAME failed after $((SECONDS - STEP_START)) s (exit status $status)${PLAIN}" >&2
    fi
}
trap report_failed_step EXIT

# Prints the wall time of every step so far.
print_step_times() {
    printf '\n%s\n' "${BOLD}time per step${PLAIN}"
    printf '%s\n' "${STEP_TIMES[@]}"
}

# Makes sure that the commands or files named by "command:package" or "/path:package" pairs are there, installing the packages when root
# on Debian.
need_system_packages() {
    local missing=() pair
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || [ -f "${pair%%:*}" ] || missing+=("${pair##*:}")
    done
    if [ "${#missing[@]}" -eq 0 ]; then
        say "system packages: present"
    else
        install_system_packages "${missing[@]}"
    fi
}

# Installs packages when root on Debian, else says what to install.
install_system_packages() {
    local install="apt-get install -y --no-install-recommends $*"
    if ! command -v apt-get >/dev/null 2>&1; then
        fail "missing: $* (this is no Debian: install them by your system's package manager)"
    elif [ "$(id -u)" -ne 0 ]; then
        fail "missing: $*. Run:  sudo apt-get update && sudo $install"
    fi
    say "system packages: installing $*"
    DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && $install -qq" >/dev/null
}

# Makes sure that cargo and the toolchain of rust-toolchain.toml are there; rustup installs the toolchain at its first use.
need_rust() {
    if ! command -v cargo >/dev/null 2>&1 && [ -f "$HOME/.cargo/env" ]; then
        # shellcheck disable=SC1091
        . "$HOME/.cargo/env"
    fi
    command -v cargo >/dev/null 2>&1 || fail "missing: Rust. Install rustup as https://rustup.rs says, then run this again"
    local wanted have
    wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    if command -v rustup >/dev/null 2>&1 && ! rustup toolchain list | grep -q "^$wanted"; then
        say "rust: installing $wanted"
        rustup toolchain install "$wanted" --profile minimal --component rustfmt --component clippy
    fi
    have=$(rustc --version | cut -d' ' -f2)
    [ "$have" = "$wanted" ] || fail "rust-toolchain.toml wants Rust $wanted, this is $have, and there is no rustup to install it"
    say "rust: $have"
}

# Makes sure that the pinned cargo-deny is in the cache; sets CARGO_DENY.
need_cargo_deny() {
    CARGO_DENY=$CACHE_DIR/bin/cargo-deny
    if [ -x "$CARGO_DENY" ] && [ "$("$CARGO_DENY" --version)" = "cargo-deny $CARGO_DENY_VERSION" ]; then
        say "cargo-deny: $CARGO_DENY_VERSION in $CACHE_DIR"
        return
    fi
    say "cargo-deny: installing $CARGO_DENY_VERSION into $CACHE_DIR (some minutes, once)"
    cargo install --quiet --locked --root "$CACHE_DIR" "cargo-deny@$CARGO_DENY_VERSION"
}

# Makes sure that a folder of the cache has a Python with the packages of a requirements file; sets PYTHON. Returns 1 when it cannot be had.
need_python() {
    local folder=$CACHE_DIR/$1
    PYTHON=$folder/bin/python
    if cmp -s "$2" "$folder/requirements.txt"; then
        say "$1: in $folder"
        return
    fi
    python3 -c 'import ensurepip' 2>/dev/null || install_system_packages python3-venv
    say "$1: installing what $2 names into $folder (once)"
    python3 -m venv --clear "$folder" || return 1
    "$PYTHON" -m pip install --quiet --no-cache-dir --requirement "$2" || return 1
    cp "$2" "$folder/requirements.txt"
}

# Makes sure that a Chromium and a font with Chinese letters are there, for the tests of pages; sets CARE_BROWSER, unless it is set. Ends the
# script when they cannot be had: call it in a subshell to go on without.
need_browser() {
    local name
    for name in "${CARE_BROWSER:-}" chromium-headless-shell chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
            CARE_BROWSER=$(command -v "$name")
            export CARE_BROWSER
            say "browser: $CARE_BROWSER"
            return
        fi
    done
    # Debian's package of the browser without windows: a third of the whole one.
    install_system_packages chromium-headless-shell fonts-noto-cjk
    CARE_BROWSER=$(command -v chromium-headless-shell) || fail "chromium-headless-shell was installed and is not there"
    export CARE_BROWSER
}

# Fetches every crate that Cargo.lock names, so that the steps behind it need no network.
need_crates() {
    if cargo fetch --locked --offline --quiet 2>/dev/null; then
        say "crates: in the local cache"
    else
        say "crates: fetching what Cargo.lock names"
        cargo fetch --locked --quiet
    fi
}

# Makes sure of everything that a build of the workspace takes, and of further "command:package" pairs.
need_to_build() {
    # TLS of the Kafka and CQL clients is the system's OpenSSL; the Kafka client is C, built by make.
    need_system_packages cc:gcc c++:g++ ld:binutils make:make pkg-config:pkg-config /usr/include/openssl/ssl.h:libssl-dev python3:python3 curl:curl "$@"
    need_rust
    need_crates
    need_libtorch
}

. ops/libtorch.sh
. ops/java.sh
. ops/prometheus.sh
. ops/console.sh
