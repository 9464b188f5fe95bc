# Builds the console of engine/console, and Node for it. Sourced by ops/setup.sh.

# Oldest Node that the console is built by.
NODE_MIN=20.19.0

# Makes sure that Node and npm are there: those of the system when they are new enough, else the package of them that Python has, in the
# cache. Returns 1 when neither can be had.
need_node() {
    local have
    have=$(node --version 2>/dev/null | sed 's/^v//')
    if [ -n "$have" ] && command -v npm >/dev/null 2>&1 && [ "$(printf '%s\n' "$NODE_MIN" "$have" | sort -V | head -n 1)" = "$NODE_MIN" ]; then
        say "node: $have"
        return
    fi
    need_python node ops/node/requirements.txt || return 1
    PATH=$CACHE_DIR/node/bin:$PATH
    export PATH
    node --version >/dev/null && npm --version >/dev/null
}

# Fetches what package-lock.json names, when that changed. Returns 1 when it cannot be had.
fetch_console() {
    need_node || return 1
    if cmp -s engine/console/package-lock.json engine/console/node_modules/.fetched; then
        say "console: packages present"
        return
    fi
    say "console: fetching what package-lock.json names"
    (cd engine/console && npm ci --ignore-scripts --no-audit --no-fund --silent) || return 1
    cp engine/console/package-lock.json engine/console/node_modules/.fetched
}

# Returns one sum of everything that the console is made of.
sum_of_console() {
    find engine/console engine/openapi.json \( -name node_modules -o -path engine/console/dist -o -name schema.d.ts \) -prune -o -type f -print |
        LC_ALL=C sort | xargs sha256sum | sha256sum
}

# Builds the console into engine/console/dist, from where the build of the engine takes it. Leaves it alone when nothing changed, since
# the engine would be built again too. Returns 1 when it cannot be built here.
build_console() {
    local sum
    sum=$(sum_of_console)
    if [ "$(cat engine/console/dist/built 2>/dev/null)" = "$sum" ]; then
        say "console: built"
        return
    fi
    fetch_console || return 1
    say "console: building"
    (cd engine/console && npm run --silent build -- --logLevel warn) || return 1
    printf '%s\n' "$sum" >engine/console/dist/built
}

# Types, style and unit tests of the console.
check_console() {
    fetch_console || return 1
    (cd engine/console && npm run --silent api >/dev/null && npm run --silent check)
}
