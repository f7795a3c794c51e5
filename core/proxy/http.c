/*
 * An HTTP proxy's CONNECT, RFC 9110 9.3.6.
 *
 *     > CONNECT host:port HTTP/1.1, Host, Proxy-Authorization: Basic    < HTTP/1.x 2xx ... an empty line
 *
 * A 2xx has no body: what follows the empty line is the server's.
 */
#include "core/proxy/impl.h"

#include <stdio.h>
#include <string.h>

static size_t base64(const uint8_t *in, size_t n, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = out;

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < n ? in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);

        *at++ = digits[v >> 18];
        *at++ = digits[v >> 12 & 63];
        *at++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *at++ = i + 2 < n ? digits[v & 63] : '=';
    }
    return (size_t)(at - out);
}

static int say_basic(struct mt_proxy *p)
{
    static const char name[] = "Proxy-Authorization: Basic ";
    char plain[2 * MT_PROXY_NAME_MAX + 2], coded[4 * ((sizeof plain + 2) / 3)];
    int n = snprintf(plain, sizeof plain, "%s:%s", p->cfg.user, p->cfg.password);
    size_t len = base64((const uint8_t *)plain, (size_t)n, coded);
    int err = mt_proxy_say(p, name, sizeof name - 1);

    if (!err)
        err = mt_proxy_say(p, coded, len);
    if (!err)
        err = mt_proxy_say(p, "\r\n", 2);
    mt_wipe(plain, sizeof plain);
    mt_wipe(coded, sizeof coded);
    return err;
}

int mt_http_start(struct mt_proxy *p)
{
    char head[2 * MT_PROXY_NAME_MAX + 128], at[MT_PROXY_NAME_MAX + 16];
    uint8_t address[16];
    bool v6 = mt_proxy_address(p->to.host, address) == 16;
    int n, err;

    snprintf(at, sizeof at, v6 ? "[%s]:%u" : "%s:%u", p->to.host, (unsigned)p->to.port);
    n = snprintf(head, sizeof head, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", at, at);
    err = mt_proxy_say(p, head, (size_t)n);
    if (!err && p->cfg.user[0])
        err = say_basic(p);
    return err ? err : mt_proxy_say(p, "\r\n", 2);
}

/* "HTTP/1.1 407 Proxy Authentication Required" -> 407 and the text after "HTTP/1.x "; 0: no such line. */
static int status_of(const char *line, size_t n, const char **text, size_t *text_len)
{
    static const char begin[] = "HTTP/1.";
    size_t k = sizeof begin - 1;

    if (n < k + 5 || memcmp(line, begin, k) != 0 || line[k + 1] != ' ')
        return 0;
    for (size_t i = k + 2; i < k + 5; i++)
        if (line[i] < '0' || line[i] > '9')
            return 0;
    *text = line + k + 2;
    *text_len = n - k - 2;
    return (line[k + 2] - '0') * 100 + (line[k + 3] - '0') * 10 + (line[k + 4] - '0');
}

static int refused(struct mt_proxy *p, int status, const char *text, size_t n)
{
    char clean[64];
    size_t len = n < sizeof clean - 1 ? n : sizeof clean - 1;

    for (size_t i = 0; i < len; i++)
        clean[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
    clean[len] = 0;
    return mt_proxy_fail(p, status == 407 ? MT_E_AUTH : MT_E_PEER, "the HTTP proxy says %s", clean);
}

int mt_http_step(struct mt_proxy *p)
{
    const char *in = (const char *)mt_buffer_front(&p->in), *text, *line_end, *end;
    size_t n = p->in.len < MT_PROXY_REPLY_MAX ? p->in.len : MT_PROXY_REPLY_MAX, text_len;
    int status;

    line_end = n ? memchr(in, '\n', n) : NULL;
    if (!line_end && n < MT_PROXY_REPLY_MAX && memcmp(in, "HTTP/", n < 5 ? n : 5) == 0)
        return MT_OK;
    if (line_end && line_end > in && line_end[-1] == '\r')
        line_end--;
    status = line_end ? status_of(in, (size_t)(line_end - in), &text, &text_len) : 0;
    if (!status)
        return mt_proxy_fail(p, MT_E_PEER, "this is no HTTP proxy");
    if (status < 200 || status > 299) /* a proxy has nothing to go on after: 1xx means nothing to CONNECT */
        return refused(p, status, text, text_len);
    end = memmem(in, n, "\r\n\r\n", 4);
    if (!end && n == MT_PROXY_REPLY_MAX)
        return mt_proxy_fail(p, MT_E_PEER, "the HTTP proxy's answer is too long");
    if (!end)
        return MT_OK;
    mt_buffer_drop(&p->in, (size_t)(end - in) + 4);
    p->state = MT_PROXY_OPEN;
    return MT_OK;
}
