/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/attributes.h
 * \brief Macros that tell compilers more about functions than their types.
 *
 * Each macro can be defined as empty before the first header, for example -DWSIC_NODISCARD=. This
 * is for programs that do not want an attribute, and for parsers that do not know attributes.
 *
 * On Windows a program that links the static library defines WSIC_STATIC.
 */
#ifndef WATERSIC_ATTRIBUTES_H
#define WATERSIC_ATTRIBUTES_H

/** \brief Marks the functions that the library exports. */
#ifndef WSIC_API
#if defined(_WIN32) && defined(WSIC_BUILD)
#define WSIC_API __declspec(dllexport)
#elif defined(_WIN32) && !defined(WSIC_STATIC)
#define WSIC_API __declspec(dllimport)
#elif defined(__GNUC__) && __GNUC__ >= 4
#define WSIC_API __attribute__((visibility("default")))
#else
#define WSIC_API
#endif
#endif

/** \brief The result says whether the call has failed: the compiler warns if it is ignored.
 *  Functions that can fail only through an error of the program, such as NULL, do not have it. */
#ifndef WSIC_NODISCARD
#if defined(__GNUC__)
#define WSIC_NODISCARD __attribute__((warn_unused_result))
#else
#define WSIC_NODISCARD
#endif
#endif

/** \brief The function does not check its argument of this number: NULL is an error of the program.
 *  Functions that return a status have no such arguments: they check them and return an error. */
#ifndef WSIC_NONNULL
#if defined(__GNUC__)
#define WSIC_NONNULL(number) __attribute__((nonnull(number)))
#else
#define WSIC_NONNULL(number)
#endif
#endif

/** \brief The function is deprecated: the text names a better one. At present no function is. */
#ifndef WSIC_DEPRECATED
#if defined(__GNUC__)
#define WSIC_DEPRECATED(text) __attribute__((deprecated(text)))
#else
#define WSIC_DEPRECATED(text)
#endif
#endif

#endif
