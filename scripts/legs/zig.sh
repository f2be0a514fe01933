# Systems whose programs cannot be run here: with `zig cc`, which brings their headers and libraries. Library, examples and
# tests are compiled, with warnings as errors, and linked. Sourced by scripts/matrix.

zig_version=0.17.1

# linked NAME [CMAKE-ARG ...]: whether all of it is.
linked() {
    name=$1
    shift
    mkdir -p build/matrix
    cmake -S . -B "build/matrix/$name" -G Ninja -DTHRUM_WARNINGS_AS_ERRORS=ON -DCMAKE_BUILD_TYPE=Release \
        "-DCUNIT_SOURCE_DIR=$PWD/build/matrix/cunit/source" "$@" >"build/matrix/$name.log" 2>&1 &&
        cmake --build "build/matrix/$name" >>"build/matrix/$name.log" 2>&1 || {
        tail -n 60 "build/matrix/$name.log"
        return 1
    }
}

get_zig() {
    [ -x build/matrix/ziglang/ziglang/zig ] && return 0
    say "fetching zig $zig_version"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install -q --disable-pip-version-check --target build/matrix/ziglang "ziglang==$zig_version" ||
        give_up "zig could not be had"
}

leg_zig() {
    get_cunit build/matrix/cunit
    get_zig
    export ZIG_GLOBAL_CACHE_DIR="$PWD/build/matrix/zig-cache" ZIG_LOCAL_CACHE_DIR="$PWD/build/matrix/zig-cache"
    for target in aarch64-macos x86_64-macos x86_64-freebsd x86_64-netbsd x86_64-openbsd; do
        check "$target: library, programs and tests are linked" linked "zig-$target" \
            "-DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/zig.cmake" "-DTHRUM_ZIG=$PWD/build/matrix/ziglang/ziglang/zig" \
            "-DTHRUM_ZIG_TARGET=$target"
    done
}
