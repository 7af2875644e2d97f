/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/attributes.h
 * \brief What compilers are told about functions beside their types.
 *
 * A program that wants none of it, or a parser that does not know attributes, defines a macro as
 * empty before the first header: -DWSIC_NODISCARD=, for example.
 *
 * On Windows a program that links the static library defines WSIC_STATIC.
 */
#ifndef WATERSIC_ATTRIBUTES_H
#define WATERSIC_ATTRIBUTES_H

/** \brief Marks what the library exports. */
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

/** \brief The result says whether the call has failed: the compiler warns where it is ignored.
 *  Functions that only fail where the program is wrong, as with NULL, do not have it. */
#ifndef WSIC_NODISCARD
#if defined(__GNUC__)
#define WSIC_NODISCARD __attribute__((warn_unused_result))
#else
#define WSIC_NODISCARD
#endif
#endif

/** \brief The function does not check its argument of this number: NULL is an error of the program.
 *  Functions that return a status have no such arguments; they tell. */
#ifndef WSIC_NONNULL
#if defined(__GNUC__)
#define WSIC_NONNULL(number) __attribute__((nonnull(number)))
#else
#define WSIC_NONNULL(number)
#endif
#endif

/** \brief There is a better function, which the text names. No function is deprecated at present.
 */
#ifndef WSIC_DEPRECATED
#if defined(__GNUC__)
#define WSIC_DEPRECATED(text) __attribute__((deprecated(text)))
#else
#define WSIC_DEPRECATED(text)
#endif
#endif

#endif
