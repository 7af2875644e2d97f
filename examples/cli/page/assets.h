/* SPDX-License-Identifier: MIT */
/* What every page has: its style and its script. */
#ifndef CLI_PAGE_ASSETS_H
#define CLI_PAGE_ASSETS_H

extern const char page_style[];  /* sets --ink, --soft, --grid for light and dark */
extern const char page_script[]; /* sorts the table; prints all pictures */

#endif
