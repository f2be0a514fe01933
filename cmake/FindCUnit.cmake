# FindCUnit: the target CUnit::CUnit, from whichever of these there is, in this order:
#
#   CUNIT_SOURCE_DIR   a folder with CUnit's sources, as Debian's source package unpacks them: built here
#   unofficial-cunit   vcpkg's package
#   cunit              Conan's package (its CMakeDeps file), target cunit::cunit
#   cunit.pc           pkg-config's
#   CUnit/CUnit.h      and a library named cunit
#
# Without any the configuration stops: a suite that is left out in silence would look like one that passed.

if(TARGET CUnit::CUnit)
  return()
endif()

set(CUNIT_SOURCE_DIR "" CACHE PATH "A folder with CUnit's sources, to build it from")

function(cunit_from_sources)
  file(GLOB_RECURSE header ${CUNIT_SOURCE_DIR}/CUnit.h ${CUNIT_SOURCE_DIR}/CUnit.h.in)
  file(GLOB_RECURSE sources ${CUNIT_SOURCE_DIR}/CUnit/Sources/Framework/*.c ${CUNIT_SOURCE_DIR}/CUnit/Sources/Basic/*.c
       ${CUNIT_SOURCE_DIR}/CUnit/Sources/Automated/*.c)
  if(NOT header OR NOT sources)
    message(FATAL_ERROR "CUNIT_SOURCE_DIR=${CUNIT_SOURCE_DIR} does not hold CUnit's sources")
  endif()
  # Some releases have CUnit.h only as a template, with the version to be filled in.
  list(GET header 0 first)
  set(VERSION 2.1)
  set(RELEASE 3)
  set(include ${CMAKE_BINARY_DIR}/cunit-include)
  file(GLOB others ${CUNIT_SOURCE_DIR}/CUnit/Headers/*.h)
  file(COPY ${others} DESTINATION ${include}/CUnit)
  if(first MATCHES "\\.in$")
    configure_file(${first} ${include}/CUnit/CUnit.h @ONLY)
  endif()
  add_library(cunit_built STATIC ${sources})
  target_include_directories(cunit_built PRIVATE ${include}/CUnit PUBLIC ${include})
  if(NOT MSVC)
    target_compile_options(cunit_built PRIVATE -w)
  endif()
  add_library(CUnit::CUnit ALIAS cunit_built)
endfunction()

if(CUNIT_SOURCE_DIR)
  cunit_from_sources()
  set(CUnit_FOUND TRUE)
  return()
endif()

find_package(unofficial-cunit CONFIG QUIET)
if(TARGET unofficial::cunit::cunit)
  add_library(CUnit::CUnit INTERFACE IMPORTED)
  target_link_libraries(CUnit::CUnit INTERFACE unofficial::cunit::cunit)
  set(CUnit_FOUND TRUE)
  return()
endif()

find_package(cunit CONFIG QUIET)
if(TARGET cunit::cunit)
  add_library(CUnit::CUnit INTERFACE IMPORTED)
  target_link_libraries(CUnit::CUnit INTERFACE cunit::cunit)
  set(CUnit_FOUND TRUE)
  return()
endif()

find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND AND NOT CMAKE_CROSSCOMPILING)
  pkg_check_modules(CUNIT_PC QUIET cunit)
endif()
find_path(CUNIT_INCLUDE_DIR CUnit/CUnit.h HINTS ${CUNIT_PC_INCLUDE_DIRS})
find_library(CUNIT_LIBRARY cunit HINTS ${CUNIT_PC_LIBRARY_DIRS})

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  CUnit REQUIRED_VARS CUNIT_LIBRARY CUNIT_INCLUDE_DIR
  REASON_FAILURE_MESSAGE
    "the tests need it. Debian, Ubuntu: apt install libcunit1-dev, macOS: brew install cunit, Windows: vcpkg install cunit, or set CUNIT_SOURCE_DIR to its sources")
if(CUnit_FOUND)
  add_library(CUnit::CUnit UNKNOWN IMPORTED)
  set_target_properties(CUnit::CUnit PROPERTIES IMPORTED_LOCATION ${CUNIT_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES
                                                                                   ${CUNIT_INCLUDE_DIR})
endif()
mark_as_advanced(CUNIT_INCLUDE_DIR CUNIT_LIBRARY)
