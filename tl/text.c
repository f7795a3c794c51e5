#include "tl/text.h"

#include "tl/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tl_text_raw(struct tl_out *out, const char *p, size_t n)
{
    if (!out->err && n <= out->cap - out->len && out->data) {
        memcpy(out->data + out->len, p, n);
        out->len += n;
    } else {
        tl_put_raw(out, p, n);
    }
}

/* --- numbers --- */

void tl_text_long(struct tl_out *out, int64_t v)
{
    char text[20];
    char *p = text + sizeof text;
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0)
        *--p = '-';
    tl_text_raw(out, p, (size_t)(text + sizeof text - p));
}

void tl_text_double(struct tl_out *out, double v)
{
    char text[40];
    int n = 0;

    if (isnan(v)) {
        tl_text_raw(out, "\"NaN\"", 5);
        return;
    }
    if (isinf(v)) {
        tl_text_raw(out, v < 0 ? "\"-Infinity\"" : "\"Infinity\"", v < 0 ? 11 : 10);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        double back;

        n = snprintf(text, sizeof text, "%.*g", digits, v);
        back = strtod(text, NULL);
        if (memcmp(&back, &v, sizeof v) == 0)
            break;
    }
    /* A program with a locale may have written another point. */
    for (int i = 0; i < n; i++) {
        if (text[i] == ',')
            text[i] = '.';
    }
    tl_text_raw(out, text, (size_t)n);
    /* -0 would be read as an integer and lose its sign. */
    if (!strpbrk(text, ".e"))
        tl_text_raw(out, ".0", 2);
}

bool tl_parse_long(const char *s, size_t n, int64_t *v)
{
    bool minus = n > 0 && s[0] == '-';
    size_t i = minus;
    uint64_t u = 0, limit = (uint64_t)INT64_MAX + minus;

    if (i == n || (s[i] == '0' && n > i + 1))
        return false;
    for (; i < n; i++) {
        unsigned digit = (unsigned)((unsigned char)s[i] - '0');

        if (digit > 9 || u > (limit - digit) / 10)
            return false;
        u = u * 10 + digit;
    }
    *v = (int64_t)(minus ? -u : u);
    return true;
}

/* --- text --- */

size_t tl_utf8_len(const uint8_t *p, size_t n)
{
    uint32_t c;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    len = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (len == 0 || n < len)
        return 0;
    c = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if ((len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c < 0xe000))
        return 0;
    return len;
}

static void put_escape(struct tl_out *out, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    const char *found = strchr("\"\"\\\\\nn\tt\rr\bb\ff", c);

    if (c && found) {
        u[1] = found[1];
        tl_text_raw(out, u, 2);
    } else {
        tl_text_raw(out, u, 6);
    }
}

void tl_json_string(struct tl_out *out, const void *p, size_t n)
{
    const uint8_t *s = p;
    size_t from = 0, i = 0;

    tl_text_raw(out, "\"", 1);
    while (i < n) {
        size_t len;

        if (s[i] >= 0x20 && s[i] < 0x80 && s[i] != '"' && s[i] != '\\') {
            i++;
            continue;
        }
        len = tl_utf8_len(s + i, n - i);
        if (len > 1) {
            i += len;
            continue;
        }
        if (i > from)
            tl_text_raw(out, (const char *)s + from, i - from);
        if (len == 1)
            put_escape(out, s[i]);
        else
            tl_text_raw(out, "\xef\xbf\xbd", 3);
        from = ++i;
    }
    if (n > from)
        tl_text_raw(out, (const char *)s + from, n - from);
    tl_text_raw(out, "\"", 1);
}

/* --- base64 --- */

void tl_text_base64(struct tl_out *out, const uint8_t *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *to = n < SIZE_MAX / 2 ? tl_out_room(out, 2 + (n + 2) / 3 * 4) : NULL;

    if (!to)
        return;
    *to++ = '"';
    for (; n > 0; p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

        *to++ = (uint8_t)digits[v >> 18];
        *to++ = (uint8_t)digits[v >> 12 & 63];
        *to++ = n > 1 ? (uint8_t)digits[v >> 6 & 63] : '=';
        *to++ = n > 2 ? (uint8_t)digits[v & 63] : '=';
        n -= n < 3 ? n : 3;
    }
    *to = '"';
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int64_t tl_parse_base64(const char *s, size_t n, uint8_t *to)
{
    uint32_t v = 0;
    unsigned have = 0; /* characters of the group */
    unsigned pads = 0;
    int64_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        int digit = base64_digit(s[i]);

        if (s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t')
            continue;
        if (s[i] == '=' && have >= 2)
            pads++;
        else if (digit < 0 || pads > 0)
            return -1;
        v = v << 6 | (digit < 0 ? 0 : (uint32_t)digit);
        if (++have < 4)
            continue;
        /* What the padding stands for must be empty. */
        if ((pads == 1 && (v & 0xff)) || (pads == 2 && (v & 0xffff)))
            return -1;
        for (unsigned b = 0; b < 3 - pads; b++, bytes++) {
            if (to)
                to[bytes] = (uint8_t)(v >> (16 - 8 * b));
        }
        v = 0;
        have = 0;
    }
    /* A group after a padded one starts with a digit, refused above; an open one is too short. */
    return have ? -1 : bytes;
}
