/*
 * Wrappers around a function, outermost first:
 *
 *     invokeWithLayer layer | initConnection flags api_id device system app ... | invokeWithoutUpdates |
 * query
 *
 * The first two until a query that had them was answered with anything but a complaint about them.
 */
#include "core/mtproto/session.h"

#include <string.h>

bool mt_init_wanted(const struct mt_conn *c)
{
    return !c->inited;
}

static size_t string_max(const char *s)
{
    return strlen(s) + 8;
}

size_t mt_init_max(const struct mt_conn *c)
{
    const struct mt_init_params *p = c->init;

    return 8 + 12 + string_max(p->device_model) + string_max(p->system_version) + string_max(p->app_version) +
           string_max(p->system_lang_code) + string_max("") + string_max(p->lang_code) + 4 +
           (p->proxy_address ? 8 + string_max(p->proxy_address) : 0);
}

void mt_init_write(const struct mt_conn *c, const struct mt_msg *m, bool init, struct tl_out *out)
{
    const struct mt_init_params *p = c->init;

    if (init) {
        tl_put_u32(out, MT_ID_INVOKE_WITH_LAYER);
        tl_put_int(out, c->layer);
        tl_put_u32(out, MT_ID_INIT_CONNECTION);
        tl_put_u32(out, p->proxy_address ? 1 : 0); /* flags: a proxy, and no params */
        tl_put_int(out, p->api_id);
        tl_put_str(out, p->device_model);
        tl_put_str(out, p->system_version);
        tl_put_str(out, p->app_version);
        tl_put_str(out, p->system_lang_code);
        tl_put_str(out, ""); /* lang_pack: official apps only */
        tl_put_str(out, p->lang_code);
        if (p->proxy_address) {
            tl_put_u32(out, MT_ID_CLIENT_PROXY);
            tl_put_str(out, p->proxy_address);
            tl_put_int(out, p->proxy_port);
        }
    }
    if (c->without_updates || m->flags & MT_REQ_WITHOUT_UPDATES)
        tl_put_u32(out, MT_ID_WITHOUT_UPDATES);
}

void mt_init_again(struct mt_conn *c)
{
    c->inited = false;
    c->init_epoch++;
}
