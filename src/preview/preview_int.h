/* preview_int - what the coder and the curves share. */
#ifndef WETREAD_PREVIEW_INT_H
#define WETREAD_PREVIEW_INT_H

#include "wetread/preview.h"

enum { CODE_BITS = 12 };

int curve_code(const struct preview_series *, int32_t value); /* 0 to 4095 */
int32_t curve_value(const struct preview_series *, int code); /* the reverse */

#endif
