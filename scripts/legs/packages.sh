# What each leg installs on Debian, beside what `install native` does. Sourced by scripts/matrix.

sources="dpkg-dev" # what get_cunit needs
wine="gcc-mingw-w64-x86-64 g++-mingw-w64-x86-64 wine wine64 bsdutils"

packages_of() {
    case $1 in
    checks) echo "g++ clang clang-format libwine-dev gcc-mingw-w64-x86-64 g++-mingw-w64-x86-64 python3 python3-yaml" ;;
    clang-release | tsan) echo "clang libclang-rt-dev" ;;
    installed) echo "g++ $wine" ;;
    model) echo "spin" ;;
    broken) echo "patch" ;;
    helgrind) echo "valgrind libc6-dbg" ;;
    musl) echo "musl-tools linux-libc-dev $sources" ;;
    i686) echo "gcc-i686-linux-gnu libc6-dev-i386-cross qemu-user $sources" ;;
    arm64) echo "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user $sources" ;;
    s390x) echo "gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user $sources" ;;
    mingw | mingw-dll) echo "$wine $sources" ;;
    mingw32) echo "gcc-mingw-w64-i686 $sources" ;;
    zig) echo "python3 python3-pip $sources" ;;
    esac
}
