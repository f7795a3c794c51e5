/* What every cmocka program here includes first: cmocka needs these, in this order. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The bytes of a hex string (spaces allowed) into buf; returns how many. Fails the test on bad hex. */
static inline size_t unhex(const char *hex, uint8_t *buf, size_t cap)
{
    size_t n = 0;

    while (*hex) {
        unsigned v = 0;

        if (*hex == ' ' || *hex == '\n') {
            hex++;
            continue;
        }
        if (n == cap || sscanf(hex, "%2x", &v) != 1)
            fail_msg("bad hex or buffer of %zu bytes too small", cap);
        buf[n++] = (uint8_t)v;
        hex += 2;
    }
    return n;
}
