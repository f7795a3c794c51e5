#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/peer.h"
#include "tl/ids.h"
#include "tl/view.h"

#define WRAPS_MAX 16
#define LAYER_MIN 74
#define LAYER_MAX 999

static bool is_empty(struct tl_slice s)
{
    return s.n == 0;
}

static bool lang_pack_known(struct tl_slice s)
{
    static const char *const official[] = {"",         "android", "android_x", "ios", "macos",
                                           "tdesktop", "unigram", "weba",      "webk"};

    for (size_t i = 0; i < sizeof official / sizeof *official; i++)
        if (strlen(official[i]) == s.n && (!s.n || !memcmp(official[i], s.p, s.n)))
            return true;
    return false;
}

static void init_connection(struct sb_wraps *w, struct tl_in *in)
{
    uint32_t flags = tl_u32(in);
    struct tl_slice device, system, app, sys_lang, pack, lang;

    w->api_id = tl_int(in);
    device = tl_bytes(in);
    system = tl_bytes(in);
    app = tl_bytes(in);
    sys_lang = tl_bytes(in);
    pack = tl_bytes(in);
    lang = tl_bytes(in);
    if (flags & 1)
        tl_skip_object(in);
    if (flags & 2)
        tl_skip_object(in);
    w->init = true;
    if (in->err || flags & ~UINT32_C(3))
        w->error = "INPUT_FETCH_ERROR";
    else if (!w->layer)
        w->error = "CONNECTION_LAYER_INVALID";
    else if (w->api_id <= 0)
        w->error = "CONNECTION_API_ID_INVALID";
    else if (is_empty(device))
        w->error = "CONNECTION_DEVICE_MODEL_EMPTY";
    else if (is_empty(system))
        w->error = "CONNECTION_SYSTEM_EMPTY";
    else if (is_empty(app))
        w->error = "CONNECTION_APP_VERSION_EMPTY";
    else if (is_empty(sys_lang))
        w->error = "CONNECTION_SYSTEM_LANG_CODE_EMPTY";
    else if (is_empty(lang) || !lang_pack_known(pack))
        w->error = "CONNECTION_LANG_PACK_INVALID";
}

static void after_msgs(struct sb_wraps *w, struct tl_in *in, bool several)
{
    uint32_t n = several ? tl_vector(in, 8) : 1;

    w->after.n = (size_t)n * 8;
    w->after.p = tl_raw(in, w->after.n);
    if (in->err)
        w->after.n = 0;
}

static void gzip(struct sb_wraps *w, struct tl_in *in)
{
    struct tl_slice gz = tl_bytes(in);
    size_t n;

    if (in->err || w->unpacked || sb_gunzip(gz.p, gz.n, SB_IN_MAX, &w->unpacked, &n) != MT_OK)
        w->error = "INPUT_FETCH_ERROR";
    else
        *in = tl_in(w->unpacked, n);
}

/* Takes one wrapper off; false: the front is no wrapper. */
static bool peel(struct sb_wraps *w, struct tl_in *in)
{
    struct tl_in rest = *in;
    uint32_t id = tl_u32(&rest);

    switch (id) {
    case TL_invokeWithLayer:
        w->layer = tl_int(&rest);
        if (w->layer < LAYER_MIN || w->layer > LAYER_MAX)
            w->error = "CONNECTION_LAYER_INVALID";
        break;
    case TL_initConnection:
        init_connection(w, &rest);
        break;
    case TL_invokeWithoutUpdates:
        w->without_updates = true;
        break;
    case TL_invokeAfterMsg:
    case TL_invokeAfterMsgs:
        after_msgs(w, &rest, id == TL_invokeAfterMsgs);
        break;
    case TL_invokeWithTakeout:
        w->takeout = tl_long(&rest);
        w->has_takeout = true;
        break;
    case TL_invokeWithBusinessConnection:
        w->business = tl_bytes(&rest);
        w->has_business = true;
        break;
    case TL_invokeWithMessagesRange:
        tl_skip_object(&rest);
        break;
    case TL_invokeWithReCaptcha:
        tl_bytes(&rest);
        break;
    case TL_invokeWithApnsSecret:
    case TL_invokeWithGooglePlayIntegrity:
        tl_bytes(&rest);
        tl_bytes(&rest);
        break;
    case TL_gzip_packed:
        gzip(w, &rest);
        break;
    default: /* an id off the wire, no enum */
        return false;
    }
    *in = rest;
    return true;
}

void sb_unwrap(struct sb_wraps *w, const uint8_t *p, size_t n)
{
    struct tl_in in = tl_in(p, n);
    unsigned depth = 0;

    *w = (struct sb_wraps){0};
    while (!w->error && !in.err && peel(w, &in))
        if (++depth > WRAPS_MAX)
            w->error = "INPUT_FETCH_ERROR";
    if (in.err && !w->error)
        w->error = "INPUT_FETCH_ERROR";
    w->query = in;
}

void sb_unwrap_free(struct sb_wraps *w)
{
    free(w->unpacked);
    w->unpacked = NULL;
}
