# Finds or unpacks Prometheus and its promtool. Sourced by ops/setup.sh.
#
# Debian's package is unpacked into the cache, not installed: nothing is started and nobody's configuration is touched. apt checks what it
# fetches. To remove it: rm -r ~/.cache/care-engine/prometheus

# Makes sure that prometheus and promtool are there; exports PROMETHEUS, their folder, unless it names one already. Returns 1 when they
# cannot be had.
need_prometheus() {
    local folder=$CACHE_DIR/prometheus partial
    export PROMETHEUS=${PROMETHEUS:-$folder/usr/bin}
    if prometheus_is_there "$PROMETHEUS"; then
        : # nothing is missing
    elif command -v promtool >/dev/null 2>&1 && command -v prometheus >/dev/null 2>&1; then
        PROMETHEUS=$(dirname "$(command -v promtool)")
    else
        command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || return 1
        say "prometheus: unpacking Debian's package into $folder (60 MB, once)"
        mkdir -p "$CACHE_DIR"
        partial=$(mktemp -d "$CACHE_DIR/prometheus.XXXXXX")
        if fetch_prometheus "$partial" && dpkg-deb -x "$partial"/prometheus_*.deb "$partial/whole"; then
            rm -rf "$folder"
            mv "$partial/whole" "$folder"
            PROMETHEUS=$folder/usr/bin
        fi
        rm -rf "$partial"
        prometheus_is_there "$PROMETHEUS" || return 1
    fi
    say "prometheus: $("$PROMETHEUS/prometheus" --version 2>&1 | sed -n 's/^prometheus, version \([^ ]*\).*/\1/p') in $PROMETHEUS"
}

prometheus_is_there() {
    [ -x "$1/prometheus" ] && [ -x "$1/promtool" ]
}

# Fetches the package into a folder; as root with newer lists, when those that are there do not suffice.
fetch_prometheus() {
    (
        cd "$1"
        apt-get download -qq prometheus >/dev/null 2>&1 && return
        [ "$(id -u)" -eq 0 ] && apt-get update -qq >/dev/null && apt-get download -qq prometheus >/dev/null 2>&1
    )
}
