/*
 * unit - what every unit test includes first: config.h, and cmocka with the
 * headers it wants before itself.
 */
#ifndef UNIT_H
#define UNIT_H

#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
