# Finds or makes libtorch for the build, and the link .libtorch that names it to cargo (.cargo/config.toml). Sourced by ops/setup.sh.
#
# Order: the folder that LIBTORCH names; the one in the cache; one made from the wheel by ops/libtorch/. To remove it:
# rm -r .libtorch ~/.cache/care-engine/libtorch-*

LIBTORCH_VERSION=$(sed -n 's/^VERSION = "\(.*\)"/\1/p' ops/libtorch/make.py)

# Makes sure that libtorch is there, links .libtorch to it.
need_libtorch() {
    local folder=$CACHE_DIR/libtorch-$LIBTORCH_VERSION
    if [ -n "${LIBTORCH:-}" ]; then
        check_given_libtorch
        folder=$LIBTORCH
        say "libtorch: $LIBTORCH_VERSION in $folder, as LIBTORCH says"
    elif is_libtorch "$folder"; then
        say "libtorch: $LIBTORCH_VERSION in $folder"
    else
        say "libtorch: fetching the part of $LIBTORCH_VERSION for CPUs into $folder (131 MB, once; 482 MB on disk)"
        if [ -z "${PIP_INDEX_URL:-}" ] && ! python3 -m pip --version >/dev/null 2>&1; then need_system_packages pip3:python3-pip; fi
        python3 -B ops/libtorch "$folder" || fail "no libtorch. The lines above say why; set-up can be run again at any time"
    fi
    link_libtorch "$folder"
}

# Succeeds for a folder with the version that the build wants; one for another computing platform (2.13.0+cu130) does as well.
is_libtorch() {
    local version
    [ -f "$1/build-version" ] && read -r version <"$1/build-version" && [ "${version%%+*}" = "$LIBTORCH_VERSION" ]
}

# Checks what the user set, before minutes of compilation do; makes the path absolute, since cargo runs build scripts elsewhere.
check_given_libtorch() {
    local hint="or unset it, and the set-up fetches what is needed"
    [ -d "$LIBTORCH" ] || fail "LIBTORCH names no folder: $LIBTORCH. Set it to a folder with libtorch $LIBTORCH_VERSION, $hint"
    export LIBTORCH
    LIBTORCH=$(cd "$LIBTORCH" && pwd)
    is_libtorch "$LIBTORCH" ||
        fail "LIBTORCH is not libtorch $LIBTORCH_VERSION: $LIBTORCH/build-version says $(head -n 1 "$LIBTORCH/build-version" 2>/dev/null || echo nothing). Set it to another folder, $hint"
    local part
    for part in include/torch lib/libtorch.so lib/libtorch_cpu.so lib/libc10.so; do
        [ -e "$LIBTORCH/$part" ] || fail "LIBTORCH is incomplete: there is no $LIBTORCH/$part. Set it to another folder, $hint"
    done
}

# Points .libtorch to the folder.
link_libtorch() {
    if [ "$(readlink .libtorch 2>/dev/null)" = "$1" ]; then return; fi
    if [ -e .libtorch ] && [ ! -L .libtorch ]; then fail ".libtorch is in the way: it has to be a link that the set-up makes. Remove it"; fi
    ln -sfn "$1" .libtorch
}
