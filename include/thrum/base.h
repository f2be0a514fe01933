/*
 * What every header of thrum needs: how a function is exported, and the marks on declarations.
 *
 * To use thrum as a DLL on Windows nothing need be defined: thrum::thrum in CMake, and the package files,
 * define THRUM_STATIC where the static library is used.
 */
#ifndef THRUM_BASE_H
#define THRUM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define THRUM_VERSION_MAJOR 0
#define THRUM_VERSION_MINOR 1
#define THRUM_VERSION_PATCH 0

#if defined(THRUM_STATIC)
#define THRUM_API
#elif defined(_WIN32) && defined(THRUM_BUILDING)
#define THRUM_API __declspec(dllexport)
#elif defined(_WIN32)
#define THRUM_API __declspec(dllimport)
#elif defined(__GNUC__)
#define THRUM_API __attribute__((visibility("default")))
#else
#define THRUM_API
#endif

/* The result tells whether the wait or the start succeeded: to drop it is nearly always a bug. */
#if defined(__GNUC__) || defined(__clang__)
#define THRUM_MUST_USE __attribute__((warn_unused_result))
#elif defined(_MSC_VER)
#define THRUM_MUST_USE _Check_return_
#else
#define THRUM_MUST_USE
#endif

#if defined(__GNUC__) || defined(__clang__)
#define THRUM_NORETURN __attribute__((noreturn))
#elif defined(_MSC_VER)
#define THRUM_NORETURN __declspec(noreturn)
#else
#define THRUM_NORETURN
#endif

#if defined(_MSC_VER)
#include <sal.h>
#endif

#ifdef __cplusplus
#define THRUM_BEGIN_DECLARATIONS extern "C" {
#define THRUM_END_DECLARATIONS   }
#define THRUM_ALIGNAS_(bytes)    alignas(bytes)
#elif defined(_MSC_VER)
#define THRUM_BEGIN_DECLARATIONS
#define THRUM_END_DECLARATIONS
#define THRUM_ALIGNAS_(bytes) __declspec(align(bytes))
#else
#define THRUM_BEGIN_DECLARATIONS
#define THRUM_END_DECLARATIONS
#define THRUM_ALIGNAS_(bytes) _Alignas(bytes)
#endif

/* A value of a struct type, written so that C and C++ both take it: THRUM_VALUE_(thrum_deadline, 0). */
#ifdef __cplusplus
/* clang-format off */
#define THRUM_VALUE_(type, ...) type{__VA_ARGS__}
/* clang-format on */
#else
#define THRUM_VALUE_(type, ...) ((type){__VA_ARGS__})
#endif

#endif
