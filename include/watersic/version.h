/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/version.h
 * \brief Version of the release and of the binary interface.
 */
#ifndef WATERSIC_VERSION_H
#define WATERSIC_VERSION_H

#include <watersic/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief First number of the release that a program is compiled with. */
#define WSIC_VERSION_MAJOR 0
/** \brief Second number of the release. */
#define WSIC_VERSION_MINOR 1
/** \brief Third number of the release. */
#define WSIC_VERSION_PATCH 0
/** \brief The release as text. */
#define WSIC_VERSION "0.1.0"
/** \brief The release as one number, for comparisons by the preprocessor. */
#define WSIC_VERSION_NUMBER                                                                        \
    (WSIC_VERSION_MAJOR * 1000000 + WSIC_VERSION_MINOR * 1000 + WSIC_VERSION_PATCH)

/* The interface numbers, from which the SONAME is made. They count on their own,
 * apart from the release. */
/** \brief Something was removed or changed: programs must be rebuilt. */
#define WSIC_API_VERSION_MAJOR 0
/** \brief Something was added; while MAJOR is 0, it may also have been removed or changed. */
#define WSIC_API_VERSION_MINOR 1

/**
 * \brief Release of the library that is running, such as "0.1.0".
 *
 * \return static storage, never NULL. Thread-safe.
 */
WSIC_API const char *wsic_version(void);

/**
 * \brief Release of the library that is running, as a number.
 *
 * \return MAJOR * 1000000 + MINOR * 1000 + PATCH, to be compared with #WSIC_VERSION_NUMBER, that of
 *         the headers. Thread-safe.
 *
 * To find out whether a function exists, use wsic_api_version() and not the release.
 */
WSIC_API uint32_t wsic_version_number(void);

/**
 * \brief Interface version of the library that is running.
 *
 * \return MAJOR * 65536 + MINOR, to be compared with the numbers that the
 *         program was compiled with. Thread-safe.
 */
WSIC_API uint32_t wsic_api_version(void);

#ifdef __cplusplus
}
#endif

#endif
