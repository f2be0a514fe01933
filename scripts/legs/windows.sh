# Windows, through MinGW-w64. Sourced by scripts/matrix.

set_up_wine() {
    export WINEPREFIX="$PWD/build/matrix/wine" WINEDEBUG=-all
    mkdir -p "$WINEPREFIX"
    wineserver -p3600 || true
    wineboot -i >/dev/null 2>&1 || true
}

end_wine() {
    wineserver -k || true
}

leg_mingw() {
    set_up_wine
    with_cunit mingw -DCMAKE_TOOLCHAIN_FILE=cmake/mingw-w64.cmake
    end_wine
}

leg_mingw_dll() {
    set_up_wine
    with_cunit mingw-dll -DCMAKE_TOOLCHAIN_FILE=cmake/mingw-w64.cmake -DBUILD_SHARED_LIBS=ON
    end_wine
}

# Not run: that would take a 32-bit Wine, which Debian has as packages of another architecture only.
leg_mingw32() {
    get_cunit build/matrix/cunit
    check "mingw32: library, programs and tests are linked" linked mingw32 -DCMAKE_TOOLCHAIN_FILE=cmake/mingw-w64.cmake \
        -DTHRUM_MINGW=i686
}
