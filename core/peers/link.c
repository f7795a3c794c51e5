#include "core/peers/link.h"

#include <string.h>

#define SLICE_OF(literal) ((struct tl_slice){(const uint8_t *)(literal), sizeof(literal) - 1})

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool same(struct tl_slice s, const char *word)
{
    size_t n = strlen(word);

    if (s.n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(s.p[i]) != word[i])
            return false;
    return true;
}

/* Takes `word` off the front, any case. */
static bool take(struct tl_slice *s, const char *word)
{
    size_t n = strlen(word);

    if (s->n < n || !same((struct tl_slice){s->p, n}, word))
        return false;
    s->p += n;
    s->n -= n;
    return true;
}

/* Up to `stop` or the end; the stop is taken too. */
static struct tl_slice part(struct tl_slice *s, char stop)
{
    struct tl_slice head = {s->p, 0};

    if (!s->n)
        return head;
    while (head.n < s->n && s->p[head.n] != (uint8_t)stop)
        head.n++;
    s->p += head.n;
    s->n -= head.n;
    if (s->n) {
        s->p++;
        s->n--;
    }
    return head;
}

/* The value of a query parameter; empty: it is not there. */
static struct tl_slice param(struct tl_slice query, const char *name)
{
    while (query.n) {
        struct tl_slice value = part(&query, '&');
        struct tl_slice key = part(&value, '=');

        if (same(key, name))
            return value;
    }
    return (struct tl_slice){0};
}

static bool message_number(struct tl_slice s, int32_t *out)
{
    int64_t v;

    if (mt_ref_number(s, &v) || v <= 0 || v > INT32_MAX)
        return false;
    *out = (int32_t)v;
    return true;
}

/* "/MSG" or "/THREAD/MSG" behind a chat, and "?thread=". Nothing there is fine. */
static int set_message(struct tl_slice path, struct tl_slice query, struct mt_peer_ref *out)
{
    struct tl_slice a = part(&path, '/');
    struct tl_slice b = part(&path, '/');
    struct tl_slice thread = param(query, "thread");

    if (path.n)
        return MT_E_ARG;
    if (a.n && !message_number(a, &out->msg_id))
        return MT_E_ARG;
    if (b.n) {
        out->thread_id = out->msg_id;
        if (!message_number(b, &out->msg_id))
            return MT_E_ARG;
    }
    if (thread.n && !message_number(thread, &out->thread_id))
        return MT_E_ARG;
    return MT_OK;
}

static int set_channel(struct tl_slice id, struct mt_peer_ref *out)
{
    int64_t v;

    if (mt_ref_number(id, &v) || v <= 0)
        return MT_E_ARG;
    return mt_ref_set_chat(out, mt_chat_of_channel(v));
}

static bool all_digits(struct tl_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n <= 32;
}

/* First words of a path that are no usernames: protocol.md 9.5. */
static bool is_reserved(struct tl_slice word)
{
    static const char *const words[] = {
        "addlist", "addstickers",  "addemoji", "addtheme", "bg",      "setlanguage", "share",    "invoice",
        "login",   "confirmphone", "proxy",    "socks",    "m",       "contact",     "giftcode", "boost",
        "nft",     "call",         "iv",       "msg",      "auction", "a",           "addstyle", "settings"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (same(word, words[i]))
            return true;
    return false;
}

static int web_path(struct tl_slice path, struct mt_peer_ref *out)
{
    struct tl_slice query = path, first, id;
    int err;

    path = part(&query, '?');
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    first = part(&path, '/');
    if (first.n && first.p[0] == '+') {
        struct tl_slice rest = {first.p + 1, first.n - 1};

        if (path.n)
            return MT_E_ARG;
        /* only digits: a phone number; else an invite (trap 72) */
        return all_digits(rest) ? mt_ref_set_phone(out, rest) : mt_ref_set_invite(out, rest);
    }
    if (same(first, "joinchat"))
        return mt_ref_set_invite(out, path);
    if (same(first, "c")) {
        id = part(&path, '/');
        err = set_channel(id, out);
        return err ? err : set_message(path, query, out);
    }
    if (same(first, "s"))
        first = part(&path, '/');
    if (is_reserved(first))
        return MT_E_ARG;
    err = mt_ref_set_name(out, first);
    if (err)
        return err;
    if (path.n > 1 && lower(path.p[0]) == 's' && path.p[1] == '/')
        return MT_OK; /* a story: its number is none of a message */
    return set_message(path, query, out);
}

static int tg_link(struct tl_slice s, struct mt_peer_ref *out)
{
    struct tl_slice query = s, what, value;
    int64_t id;

    what = part(&query, '?');
    while (what.n && what.p[what.n - 1] == '/')
        what.n--;
    if (same(what, "resolve")) {
        value = param(query, "phone");
        if (value.n)
            return all_digits(value) ? mt_ref_set_phone(out, value) : MT_E_ARG;
        if (mt_ref_set_name(out, param(query, "domain")))
            return MT_E_ARG;
        return set_message(param(query, "post"), query, out);
    }
    if (same(what, "privatepost")) {
        int err = set_channel(param(query, "channel"), out);

        return err ? err : set_message(param(query, "post"), query, out);
    }
    if (same(what, "join"))
        return mt_ref_set_invite(out, param(query, "invite"));
    if (same(what, "user"))
        return mt_ref_number(param(query, "id"), &id) ? MT_E_ARG : mt_ref_set_chat(out, id);
    if (same(what, "openmessage")) {
        value = param(query, "user_id");
        if (value.n && mt_ref_number(value, &id) == MT_OK && mt_ref_set_chat(out, id) == MT_OK)
            return set_message(param(query, "message_id"), SLICE_OF(""), out);
        value = param(query, "chat_id");
        if (value.n && mt_ref_number(value, &id) == MT_OK && mt_ref_set_chat(out, -id) == MT_OK)
            return set_message(param(query, "message_id"), SLICE_OF(""), out);
    }
    return MT_E_ARG;
}

static bool is_host(struct tl_slice host)
{
    return same(host, "t.me") || same(host, "telegram.me") || same(host, "telegram.dog");
}

int mt_ref_link(struct tl_slice s, struct mt_peer_ref *out)
{
    struct tl_slice host, rest, tail;
    bool scheme;

    if (take(&s, "tg:")) {
        take(&s, "//");
        return tg_link(s, out);
    }
    scheme = take(&s, "https://") || take(&s, "http://");
    take(&s, "www.");
    rest = s;
    tail = s;
    host = part(&rest, '/');
    if (is_host(host))
        return rest.n ? web_path(rest, out) : MT_E_ARG;
    /* name.t.me */
    part(&tail, '.');
    if (tail.n) {
        struct tl_slice domain = tail, name = {s.p, (size_t)(tail.p - s.p) - 1};

        domain = part(&domain, '/');
        for (size_t i = 0; i < domain.n; i++)
            if (domain.p[i] == '?')
                domain.n = i;
        if (is_host(domain)) {
            int err = mt_ref_set_name(out, name);

            return err ? err : set_message(rest, SLICE_OF(""), out);
        }
    }
    return scheme ? MT_E_ARG : MT_E_NOT_FOUND;
}
