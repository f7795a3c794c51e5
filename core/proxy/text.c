#include "core/proxy/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/proxy/impl.h"

#define TEXT_MAX 1900

const char *mt_proxy_kind_name(enum mt_proxy_kind kind)
{
    switch (kind) {
    case MT_PROXY_DIRECT:
        return "direct";
    case MT_PROXY_SOCKS5:
        return "socks5";
    case MT_PROXY_HTTP:
        return "http";
    case MT_PROXY_MTPROTO:
        return "mtproxy";
    }
    return "direct";
}

/* --- secrets --- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t from_hex(const char *text, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        if (hex_digit(text[i]) < 0)
            return 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        out[i / 2] = (uint8_t)(hex_digit(text[i]) << 4 | hex_digit(text[i + 1]));
    return n % 2 ? 0 : n / 2;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

static size_t from_base64(const char *text, size_t n, uint8_t *out)
{
    uint32_t bits = 0;
    size_t len = 0, held = 0;

    while (n && text[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        int d = base64_digit(text[i]);

        if (d < 0)
            return 0;
        bits = bits << 6 | (uint32_t)d;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[len++] = (uint8_t)(bits >> held);
        }
    }
    return n % 4 == 1 ? 0 : len;
}

static bool is_domain(const uint8_t *p, size_t n)
{
    if (!n || n > MT_PROXY_DOMAIN_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 127)
            return false;
    return true;
}

int mt_proxy_secret(const char *text, struct mt_proxy_cfg *out)
{
    uint8_t raw[17 + MT_PROXY_DOMAIN_MAX + 1];
    size_t len = strlen(text), n;
    int err = MT_E_ARG;

    if (len > 2 * (sizeof raw - 1))
        return MT_E_ARG;
    n = from_hex(text, len, raw);
    if (!n && len <= (sizeof raw - 1) / 3 * 4)
        n = from_base64(text, len, raw);
    memset(out->domain, 0, sizeof out->domain);
    if (n == 16) {
        out->mode = MT_SECRET_PLAIN;
        memcpy(out->secret, raw, 16);
        err = MT_OK;
    } else if (n == 17 && raw[0] == 0xdd) {
        out->mode = MT_SECRET_PADDED;
        memcpy(out->secret, raw + 1, 16);
        err = MT_OK;
    } else if (n >= 18 && raw[0] == 0xee && is_domain(raw + 17, n - 17)) {
        out->mode = MT_SECRET_TLS;
        memcpy(out->secret, raw + 1, 16);
        memcpy(out->domain, raw + 17, n - 17);
        err = MT_OK;
    }
    mt_wipe(raw, sizeof raw);
    return err;
}

/* --- reading --- */

static bool bad(char err[128], const char *why)
{
    snprintf(err, 128, "%s", why);
    return false;
}

/* Undoes percent encoding of p..p+n into a string of at most `cap` bytes. */
static bool decode(const char *p, size_t n, char *out, size_t cap)
{
    size_t at = 0;

    memset(out, 0, cap);
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)p[i];

        if (c == '%') {
            if (i + 2 >= n || hex_digit(p[i + 1]) < 0 || hex_digit(p[i + 2]) < 0)
                return false;
            c = hex_digit(p[i + 1]) << 4 | hex_digit(p[i + 2]);
            i += 2;
        }
        if (!c || at + 1 >= cap)
            return false;
        out[at++] = (char)c;
    }
    return true;
}

static bool set_port(const char *p, size_t n, uint16_t *port)
{
    unsigned v = 0;

    if (!n || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(p[i] - '0');
    }
    *port = (uint16_t)v;
    return v >= 1 && v <= 65535;
}

static bool set_host(const char *p, size_t n, struct mt_proxy_cfg *out)
{
    if (!n || n > MT_PROXY_NAME_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 127 || strchr("%/@?#[]\\\"", p[i]))
            return false;
    memset(out->host, 0, sizeof out->host);
    memcpy(out->host, p, n);
    return true;
}

/* host, host:port, [v6], [v6]:port */
static bool set_place(const char *p, size_t n, struct mt_proxy_cfg *out, char err[128])
{
    const char *close = n && *p == '[' ? memchr(p, ']', n) : NULL;
    const char *colon = close ? (close + 1 < p + n ? close + 1 : NULL) : memchr(p, ':', n);
    const char *host_end = close ? close : colon ? colon : p + n;
    const char *host = close ? p + 1 : p;

    if (!set_host(host, (size_t)(host_end - host), out))
        return bad(err, "the proxy's host is missing or is none");
    if (colon && (*colon != ':' || !set_port(colon + 1, (size_t)(p + n - colon - 1), &out->port)))
        return bad(err, "the proxy's port is not a number from 1 to 65535");
    if (!colon && !out->port)
        return bad(err, "the proxy's port is missing");
    return true;
}

static bool set_user(const char *p, size_t n, struct mt_proxy_cfg *out)
{
    const char *colon = memchr(p, ':', n);
    size_t user = colon ? (size_t)(colon - p) : n;

    return decode(p, user, out->user, sizeof out->user) &&
           (!colon || decode(colon + 1, n - user - 1, out->password, sizeof out->password));
}

static bool set_item(const char *name, size_t name_len, const char *p, size_t n, struct mt_proxy_cfg *out,
                     char err[128])
{
    char secret[2 * (17 + MT_PROXY_DOMAIN_MAX) + 4], plain[MT_PROXY_NAME_MAX + 1];
    bool ok = true;

#define IS(word) (name_len == sizeof word - 1 && memcmp(name, word, name_len) == 0)
    if (IS("server")) {
        ok = decode(p, n, plain, sizeof plain) && set_host(plain, strlen(plain), out);
    } else if (IS("port")) {
        ok = set_port(p, n, &out->port);
    } else if (IS("user")) {
        ok = decode(p, n, out->user, sizeof out->user);
    } else if (IS("pass")) {
        ok = decode(p, n, out->password, sizeof out->password);
    } else if (IS("secret")) {
        ok = decode(p, n, secret, sizeof secret) && mt_proxy_secret(secret, out) == MT_OK;
        mt_wipe(secret, sizeof secret);
    }
#undef IS
    if (!ok)
        snprintf(err, 128, "the link's %.*s is not valid", (int)(name_len < 16 ? name_len : 16), name);
    return ok;
}

/* a=b&c=d; `only`: the one name that has a meaning here, NULL: all have */
static bool set_items(const char *p, const char *only, struct mt_proxy_cfg *out, char err[128])
{
    while (*p) {
        size_t n = strcspn(p, "&"), name = 0;

        while (name < n && p[name] != '=')
            name++;
        if (name < n && (!only || (strlen(only) == name && memcmp(p, only, name) == 0)) &&
            !set_item(p, name, p + name + 1, n - name - 1, out, err))
            return false;
        p += n + (p[n] == '&');
    }
    return true;
}

/* Nothing is missing; what the kind has no use for goes. */
static bool is_whole(struct mt_proxy_cfg *c, bool has_secret, char err[128])
{
    if (c->kind == MT_PROXY_MTPROTO) {
        memset(c->user, 0, sizeof c->user);
        memset(c->password, 0, sizeof c->password);
    } else {
        c->mode = MT_SECRET_PLAIN;
        memset(c->secret, 0, sizeof c->secret);
        memset(c->domain, 0, sizeof c->domain);
    }
    if (c->password[0] && !c->user[0])
        return bad(err, "the proxy's password is there, its user is missing");
    if (!c->host[0])
        return bad(err, "the proxy's host is missing");
    if (!c->port)
        return bad(err, "the proxy's port is missing");
    if (c->kind == MT_PROXY_MTPROTO && !has_secret)
        return bad(err, "the proxy's secret is missing");
    if (c->kind == MT_PROXY_SOCKS5 && !c->user[0] != !c->password[0])
        return bad(err, "SOCKS5 takes a user and a password, or neither");
    if (c->kind == MT_PROXY_HTTP && strchr(c->user, ':'))
        return bad(err, "a user with a colon cannot be told to an HTTP proxy");
    return true;
}

static const struct {
    const char *begin;
    enum mt_proxy_kind kind;
    uint16_t port; /* where none is said; 0: it must be */
    bool link;     /* all is in its items */
} forms[] = {
    {"socks5://", MT_PROXY_SOCKS5, 1080, false},
    {"socks5h://", MT_PROXY_SOCKS5, 1080, false},
    {"http://", MT_PROXY_HTTP, 8080, false},
    {"mtproxy://", MT_PROXY_MTPROTO, 443, false},
    {"tg://proxy?", MT_PROXY_MTPROTO, 0, true},
    {"tg://socks?", MT_PROXY_SOCKS5, 0, true},
    {"https://t.me/proxy?", MT_PROXY_MTPROTO, 0, true},
    {"https://t.me/socks?", MT_PROXY_SOCKS5, 0, true},
};

static bool parse(const char *text, struct mt_proxy_cfg *out, char err[128])
{
    size_t i = 0, n_forms = sizeof forms / sizeof *forms;
    const char *p, *items, *at;
    size_t n;

    while (i < n_forms && strncmp(text, forms[i].begin, strlen(forms[i].begin)) != 0)
        i++;
    if (i == n_forms)
        return bad(err, "expected direct, socks5://, http:// or mtproxy://, or a link of t.me");
    out->kind = forms[i].kind;
    p = text + strlen(forms[i].begin);
    items = forms[i].link ? p : strchr(p, '?');
    if (!forms[i].link) {
        n = items ? (size_t)(items - p) : strlen(p);
        items = items ? items + 1 : "";
        while (n && p[n - 1] == '/')
            n--;
        at = memrchr(p, '@', n);
        out->port = forms[i].port;
        if (at && !set_user(p, (size_t)(at - p), out))
            return bad(err, "the proxy's user or password is not valid");
        if (at)
            n -= (size_t)(at + 1 - p);
        if (!set_place(at ? at + 1 : p, n, out, err))
            return false;
    }
    return set_items(items, forms[i].link ? NULL : "secret", out, err) &&
           is_whole(out, strstr(items, "secret=") != NULL, err);
}

int mt_proxy_parse(const char *text, struct mt_proxy_cfg *out, char err[128])
{
    memset(out, 0, sizeof *out);
    err[0] = 0;
    if (strcmp(text, "direct") == 0)
        return MT_OK;
    if (strlen(text) <= TEXT_MAX ? parse(text, out, err) : bad(err, "the proxy's text is too long"))
        return MT_OK;
    mt_wipe(out, sizeof *out);
    return MT_E_ARG;
}

/* --- writing --- */

static size_t put(char *out, size_t at, const char *text)
{
    size_t n = strlen(text);

    if (at + n >= MT_PROXY_TEXT_MAX)
        return at;
    memcpy(out + at, text, n + 1);
    return at + n;
}

static size_t put_encoded(char *out, size_t at, const char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (; *text && at + 4 < MT_PROXY_TEXT_MAX; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                     c == '.' || c == '_' || c == '~';

        if (!plain) {
            out[at++] = '%';
            out[at++] = digits[c >> 4];
            out[at++] = digits[c & 15];
        } else {
            out[at++] = (char)c;
        }
    }
    out[at] = 0;
    return at;
}

static size_t put_secret(const struct mt_proxy_cfg *c, char *out, size_t at)
{
    char two[3];

    at = put(out, at, "?secret=");
    if (c->mode != MT_SECRET_PLAIN)
        at = put(out, at, c->mode == MT_SECRET_TLS ? "ee" : "dd");
    for (size_t i = 0; i < sizeof c->secret; i++) {
        snprintf(two, sizeof two, "%02x", c->secret[i]);
        at = put(out, at, two);
    }
    for (const char *p = c->mode == MT_SECRET_TLS ? c->domain : ""; *p; p++) {
        snprintf(two, sizeof two, "%02x", (unsigned char)*p);
        at = put(out, at, two);
    }
    return at;
}

void mt_proxy_format(const struct mt_proxy_cfg *c, bool secrets, char out[MT_PROXY_TEXT_MAX])
{
    bool v6 = strchr(c->host, ':') != NULL;
    char port[8];
    size_t at;

    at = put(out, 0, mt_proxy_kind_name(c->kind));
    if (c->kind == MT_PROXY_DIRECT)
        return;
    at = put(out, at, "://");
    if (secrets && c->user[0]) {
        at = put_encoded(out, at, c->user);
        at = put(out, at, ":");
        at = put_encoded(out, at, c->password);
        at = put(out, at, "@");
    }
    at = put(out, at, v6 ? "[" : "");
    at = put(out, at, c->host);
    snprintf(port, sizeof port, ":%u", (unsigned)c->port);
    at = put(out, at, v6 ? "]" : "");
    at = put(out, at, port);
    if (secrets && c->kind == MT_PROXY_MTPROTO)
        put_secret(c, out, at);
}
