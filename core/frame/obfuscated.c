#include "core/frame/obfuscated.h"
#include "core/frame/framing.h"

#include <string.h>

static struct mt_ctr *stream(const uint8_t init[MT_OBFUSCATED_HEAD], const struct mt_frame_cfg *cfg)
{
    uint8_t key[32];
    struct mt_ctr *ctr;

    if (cfg->has_secret)
        mt_sha256(key, (struct mt_part[]){{init + 8, 32}, {cfg->secret, sizeof cfg->secret}}, 2);
    else
        memcpy(key, init + 8, sizeof key);
    ctr = mt_ctr_new(key, init + 40);
    mt_wipe(key, sizeof key);
    return ctr;
}

/* The client's stream into *forth and the server's into *back. */
static int streams(const uint8_t init[MT_OBFUSCATED_HEAD], const struct mt_frame_cfg *cfg,
                   struct mt_ctr **forth, struct mt_ctr **back)
{
    uint8_t reversed[MT_OBFUSCATED_HEAD];

    for (size_t i = 0; i < sizeof reversed; i++)
        reversed[i] = init[sizeof reversed - 1 - i];
    *forth = stream(init, cfg);
    *back = stream(reversed, cfg);
    mt_wipe(reversed, sizeof reversed);
    return *forth && *back ? MT_OK : MT_E_NOMEM;
}

void mt_streams_fini(struct mt_streams *s)
{
    mt_ctr_free(s->tx);
    mt_ctr_free(s->rx);
    s->tx = s->rx = NULL;
}

bool mt_obfuscated_forbidden(const uint8_t head[8])
{
    static const uint32_t taken[] = {
        UINT32_C(0x44414548), /* HEAD */
        UINT32_C(0x54534f50), /* POST */
        UINT32_C(0x20544547), /* GET */
        UINT32_C(0x4954504f), /* OPTI */
        UINT32_C(0x02010316), /* TLS */
        UINT32_C(0xdddddddd), UINT32_C(0xeeeeeeee),
    };

    if (head[0] == 0xef || tl_load32(head + 4) == 0)
        return true;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (tl_load32(head) == taken[i])
            return true;
    }
    return false;
}

int mt_obfuscated_start(const struct mt_env *env, const struct mt_frame_cfg *cfg,
                        uint8_t sent[MT_OBFUSCATED_HEAD], struct mt_streams *s)
{
    uint8_t init[MT_OBFUSCATED_HEAD], greeting[4] = {0};
    int err, tries = 0;

    mt_framing_greeting(cfg->framing, greeting);
    do {
        env->random(env->ctx, init, sizeof init);
        if (++tries > 64)
            return MT_E_CRYPTO;
    } while (mt_obfuscated_forbidden(init));
    memset(init + 56, greeting[0], 4);
    init[60] = (uint8_t)cfg->dc;
    init[61] = (uint8_t)((uint16_t)cfg->dc >> 8);
    err = streams(init, cfg, &s->tx, &s->rx);
    if (!err) {
        mt_ctr_apply(s->tx, init, sent, sizeof init);
        memcpy(sent, init, 56);
    }
    mt_wipe(init, sizeof init);
    return err;
}

int mt_obfuscated_accept(const uint8_t got[MT_OBFUSCATED_HEAD], struct mt_frame_cfg *cfg,
                         struct mt_streams *s)
{
    uint8_t clear[MT_OBFUSCATED_HEAD], greeting[4];
    enum mt_framing framing;
    int err = streams(got, cfg, &s->rx, &s->tx);

    if (err)
        return err;
    mt_ctr_apply(s->rx, got, clear, sizeof clear);
    for (framing = MT_ABRIDGED; framing != MT_FULL; framing++) {
        mt_framing_greeting(framing, greeting);
        memset(greeting, greeting[0], sizeof greeting);
        if (memcmp(clear + 56, greeting, sizeof greeting) == 0)
            break;
    }
    if (framing == MT_FULL)
        return MT_E_PEER;
    cfg->framing = framing;
    cfg->obfuscated = true;
    cfg->dc = (int16_t)(clear[60] | clear[61] << 8);
    return MT_OK;
}
