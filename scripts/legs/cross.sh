# Linux with another libc or on another processor. Sourced by scripts/matrix.

# with_cunit NAME [CMAKE-ARG ...]: as `suites`, where no distribution's CUnit fits: it is built along.
with_cunit() {
    get_cunit build/matrix/cunit
    make_driver
    suites "$@" -DCMAKE_BUILD_TYPE=Release "-DCUNIT_SOURCE_DIR=$PWD/build/matrix/cunit/source" \
        "-DTHRUM_DRIVE=$PWD/build/matrix/drive"
}

# The driver of the example programs runs on this machine, whatever they are built for.
make_driver() {
    cc -D_GNU_SOURCE -O2 tests/programs/drive.c -o build/matrix/drive || give_up "the driver does not compile"
}

leg_musl() {
    with_cunit musl "-DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/musl.cmake"
}

leg_i686() {
    printf 'int main(void) { return 0; }\n' >build/matrix/nothing.c
    emulated=ON
    i686-linux-gnu-gcc -static build/matrix/nothing.c -o build/matrix/nothing && build/matrix/nothing && emulated=OFF
    with_cunit i686 "-DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/linux-cross.cmake" -DTHRUM_CROSS=i686 \
        -DTHRUM_CROSS_EMULATED=$emulated
}

leg_arm64() {
    emulated_suites arm64 aarch64
}

leg_s390x() {
    emulated_suites s390x s390x
}

emulated_suites() {
    with_cunit "$1" "-DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/linux-cross.cmake" "-DTHRUM_CROSS=$2"
}
