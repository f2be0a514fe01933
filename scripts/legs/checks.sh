# What needs no build of the whole. Sourced by scripts/matrix.
leg_checks() {
    check "layout (clang-format)" scripts/check-format
    check "layers: no system above port.h" scripts/check-layers
    check "headers stand alone, in C11 and C++17" scripts/check-headers
    check "the MSVC front end: sources and headers" scripts/check-msvc
    check "invariants: each has its tests" scripts/check-invariants
    check "public CI's workflow is YAML" python3 -c 'import yaml; yaml.safe_load(open(".github/workflows/ci.yml"))'
}

leg_model() {
    check "model: no wake-up lost, none twice, nobody left behind" scripts/check-model
}
