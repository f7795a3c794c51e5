#include "core/peers/peers.h"

#include <string.h>

#include "core/peers/link.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool mt_is_username(const char *s, size_t n)
{
    if (n < 3 || n > 32 || !is_letter(s[0]) || s[n - 1] == '_')
        return false;
    for (size_t i = 1; i < n; i++) {
        if (!is_letter(s[i]) && !is_digit(s[i]) && s[i] != '_')
            return false;
        if (s[i] == '_' && s[i - 1] == '_')
            return false;
    }
    return true;
}

int mt_ref_number(struct tl_slice s, int64_t *out)
{
    int64_t v = 0;

    if (!s.n || s.n > 18)
        return MT_E_ARG;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit((char)s.p[i]))
            return MT_E_ARG;
        v = v * 10 + (s.p[i] - '0');
    }
    *out = v;
    return MT_OK;
}

int mt_ref_set_chat(struct mt_peer_ref *out, mt_chat_id chat)
{
    enum mt_peer_kind kind;
    int64_t id;

    if (!mt_chat_split(chat, &kind, &id))
        return MT_E_ARG;
    out->kind = MT_REF_CHAT;
    out->chat = chat;
    return MT_OK;
}

int mt_ref_set_name(struct mt_peer_ref *out, struct tl_slice s)
{
    if (!mt_is_username((const char *)s.p, s.n))
        return MT_E_ARG;
    out->kind = MT_REF_NAME;
    memcpy(out->name, s.p, s.n);
    out->name[s.n] = 0;
    return MT_OK;
}

int mt_ref_set_phone(struct mt_peer_ref *out, struct tl_slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = (char)s.p[i];

        if (c == ' ' || c == '-' || c == '(' || c == ')' || c == '.')
            continue;
        if (!is_digit(c) || n + 1 == sizeof out->phone)
            return MT_E_ARG;
        out->phone[n++] = c;
    }
    out->phone[n] = 0;
    if (n < 3)
        return MT_E_ARG;
    out->kind = MT_REF_PHONE;
    return MT_OK;
}

int mt_ref_set_invite(struct mt_peer_ref *out, struct tl_slice s)
{
    if (s.n < 4 || s.n >= sizeof out->invite)
        return MT_E_ARG;
    for (size_t i = 0; i < s.n; i++) {
        char c = (char)s.p[i];

        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_')
            return MT_E_ARG;
    }
    out->kind = MT_REF_INVITE;
    memcpy(out->invite, s.p, s.n);
    out->invite[s.n] = 0;
    return MT_OK;
}

/* "user:1", "chat:1", "channel:1"; MT_E_NOT_FOUND: does not begin so. */
static int parse_spelt(struct tl_slice s, struct mt_peer_ref *out)
{
    static const char *const words[] = {"user:", "chat:", "channel:"};

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        int64_t id;
        mt_chat_id chat;
        enum mt_peer_kind kind;

        if (s.n < n || memcmp(s.p, words[i], n) != 0)
            continue;
        if (mt_ref_number((struct tl_slice){s.p + n, s.n - n}, &id) || id <= 0)
            return MT_E_ARG;
        chat = i == 0 ? mt_chat_of_user(id) : i == 1 ? mt_chat_of_group(id) : mt_chat_of_channel(id);
        /* an id beyond its space would land in the next one */
        if (!mt_chat_split(chat, &kind, &id) || (size_t)kind != i)
            return MT_E_ARG;
        return mt_ref_set_chat(out, chat);
    }
    return MT_E_NOT_FOUND;
}

static struct tl_slice trim(const char *text)
{
    size_t n = strlen(text);

    while (n && (text[0] == ' ' || text[0] == '\t' || text[0] == '\n' || text[0] == '\r'))
        text++, n--;
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t' || text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    return (struct tl_slice){(const uint8_t *)text, n};
}

static int parse_signed(struct tl_slice s, struct mt_peer_ref *out)
{
    bool negative = s.n && s.p[0] == '-';
    int64_t id;

    if (mt_ref_number((struct tl_slice){s.p + negative, s.n - negative}, &id))
        return MT_E_ARG;
    out->bare = !negative;
    return mt_ref_set_chat(out, negative ? -id : id);
}

int mt_peer_parse(const char *text, struct mt_peer_ref *out)
{
    struct tl_slice s = trim(text);
    int err;

    *out = (struct mt_peer_ref){0};
    if (!s.n)
        return MT_E_ARG;
    if ((s.n == 2 && !memcmp(s.p, "me", 2)) || (s.n == 4 && !memcmp(s.p, "self", 4))) {
        out->kind = MT_REF_SELF;
        return MT_OK;
    }
    if (s.p[0] == '@')
        return mt_ref_set_name(out, (struct tl_slice){s.p + 1, s.n - 1});
    if (s.p[0] == '+')
        return mt_ref_set_phone(out, (struct tl_slice){s.p + 1, s.n - 1});
    if (s.p[0] == '-' || is_digit((char)s.p[0]))
        return parse_signed(s, out);
    err = parse_spelt(s, out);
    if (err != MT_E_NOT_FOUND)
        return err;
    err = mt_ref_link(s, out);
    if (err != MT_E_NOT_FOUND)
        return err;
    return mt_ref_set_name(out, s);
}
