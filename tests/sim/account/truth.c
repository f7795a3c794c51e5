#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/world_state.h"
#include "tests/sim/account/asim.h"
#include "tests/unit/sandbox/rsa_pem.h"

/* --- the world, as it stands --- */

static struct sb_chat *chat_of(const struct asim *s, enum box box)
{
    mt_chat_id chat = box == BOX_FAMILY ? s->family : s->news;

    return sb_chat_get(s->world, (struct sb_peer){SB_CHANNEL, -chat - INT64_C(1000000000000)});
}

static const struct sb_box *box_of(const struct asim *s, unsigned owner, enum box box)
{
    return box == BOX_COMMON ? &sb_user_get(s->world, s->owners[owner].user_id)->box : &chat_of(s, box)->box;
}

int32_t truth_top(const struct asim *s, unsigned owner, enum box box)
{
    return (int32_t)box_of(s, owner, box)->n_msgs;
}

static bool follows(const struct asim *s, unsigned owner, enum box box)
{
    return box == BOX_COMMON || sb_is_member(chat_of(s, box), s->owners[owner].user_id);
}

/* --- the beginning --- */

static int64_t user_called(const struct asim *s, const char *name)
{
    return sb_by_username(s->world, name, strlen(name)).id;
}

static mt_chat_id channel_called(const struct asim *s, const char *name)
{
    return mt_chat_of_channel(sb_by_username(s->world, name, strlen(name)).id);
}

static void give_key(struct owner *o, int32_t dc, bool authorised)
{
    struct sb_login *login = sb_login_get(o->s->world, keys_give(o, dc, authorised));

    login->dc_id = dc;
    login->created = (int32_t)(asim_now(o->s).wall / MT_US_PER_S);
    login->user_id = authorised ? o->user_id : 0;
}

static void know(struct owner *o, enum mt_peer_kind kind, mt_chat_id chat)
{
    static const enum sb_kind kinds[] = {SB_USER, SB_GROUP, SB_CHANNEL};
    struct mt_peer peer = {.chat = chat, .kind = kind, .has_hash = kind != MT_PEER_GROUP};
    struct mt_fx fx = {.kind = MT_FX_PEER, .peer = &peer};
    enum mt_peer_kind k;
    int64_t id;

    mt_chat_split(chat, &k, &id);
    if (peer.has_hash)
        peer.access_hash = sb_access_hash(o->s->world, o->user_id, (struct sb_peer){kinds[kind], id}, false);
    peer.self = chat == o->user_id;
    disk_write(o, &fx);
}

void truth_know(struct owner *o)
{
    struct asim *s = o->s;

    know(o, MT_PEER_USER, s->alice);
    know(o, MT_PEER_USER, s->bob);
    know(o, MT_PEER_USER, s->carol);
    know(o, MT_PEER_USER, s->bot);
    know(o, MT_PEER_GROUP, s->team);
    know(o, MT_PEER_CHANNEL, s->family);
    know(o, MT_PEER_CHANNEL, s->news);
}

static void fill_disk(struct owner *o)
{
    struct asim *s = o->s;
    struct mt_update_state state = {.pts = box_of(s, o->index, BOX_COMMON)->pts,
                                    .date = (int32_t)(asim_now(s).wall / MT_US_PER_S),
                                    .seq = 1,
                                    .known = true};
    struct mt_fx fx = {.kind = MT_FX_STATE, .state = &state};

    for (int box = 0; box < BOXES; box++)
        o->first[box] = truth_top(s, o->index, (enum box)box);
    disk_init(&o->disk, o);
    o->disk.saved.main_dc = 2;
    o->disk.saved.user_id = o->user_id;
    o->disk.saved.bot = o->bot;
    memset(o->disk.saved.dedup_secret, 7 + (int)o->index, sizeof o->disk.saved.dedup_secret);
    for (int32_t dc = 1; dc <= 3; dc++)
        give_key(o, dc, dc == 2);
    disk_write(o, &fx);
    truth_know(o);
    for (int box = BOX_FAMILY; box < BOXES; box++) {
        struct mt_channel_row row = {.id = chat_of(s, (enum box)box)->self.id,
                                     .pts = box_of(s, o->index, (enum box)box)->pts,
                                     .top = o->first[box]};
        struct mt_fx ch = {.kind = MT_FX_CHANNEL, .channel = &row};

        if (follows(s, o->index, (enum box)box))
            disk_write(o, &ch);
    }
    o->disk.committed = o->disk.synced = o->disk.n;
}

bool truth_setup(struct asim *s)
{
    static const int32_t dcs[] = {1, 2, 3};
    static const char *const names[OWNERS] = {"@alice", "@bob", "@echo_bot"};
    struct sb_dc_addr addr[3];
    struct sb_world_cfg wc = {.env = &s->server_env, .seed = s->seed, .dcs = addr, .n_dcs = 3};
    struct sb_server_cfg sc = {.env = &s->server_env,
                               .seed = s->seed,
                               .rsa_pem = TEST_RSA_PEM,
                               .dcs = dcs,
                               .n_dcs = 3,
                               .strict = true};

    for (int i = 0; i < 3; i++) {
        addr[i] = (struct sb_dc_addr){i + 1, "127.0.0.1", 7001};
        s->list[i] = (struct mt_server){.dc_id = i + 1, .ip = "127.0.0.1", .port = 7001};
    }
    s->rsa = mt_rsa_from_pem(TEST_RSA_PEM, strlen(TEST_RSA_PEM));
    s->servers = (struct mt_servers){.list = s->list, .n = 3, .keys = &s->rsa, .n_keys = 1, .default_dc = 2};
    s->world = sc.world = sb_world_new(&wc, asim_now(s));
    s->server = s->world ? sb_server_new(&sc, asim_now(s)) : NULL;
    if (!s->server)
        return false;
    s->alice = user_called(s, "alice");
    s->bob = user_called(s, "bob");
    s->carol = user_called(s, "carol");
    s->bot = user_called(s, "echo_bot");
    s->family = channel_called(s, "family");
    s->news = channel_called(s, "news");
    for (size_t i = 0; i < s->world->n_chats; i++)
        if (s->world->chats[i]->self.kind == SB_GROUP)
            s->team = mt_chat_of_group(s->world->chats[i]->self.id);
    if (view_box(s->family) != BOX_FAMILY || view_box(s->news) != BOX_NEWS || !s->team)
        return false;
    for (unsigned i = 0; i < OWNERS; i++) {
        struct owner *o = &s->owners[i];

        o->s = s;
        o->index = i;
        o->name = names[i];
        o->bot = i == 2;
        o->user_id = i == 0 ? s->alice : i == 1 ? s->bob : s->bot;
        o->rng = s->seed * 7 + i + 1;
        if (s->class >= ASIM_FAULTS)
            o->skew = ((int64_t)asim_random(s, 200000) - 100000) * MT_US_PER_S;
        fill_disk(o);
    }
    return true;
}

/* --- the end --- */

static void check_state(struct asim *s, struct owner *o)
{
    if (!o->a || !mt_account_is_connected(o->a)) {
        asim_fail(s, "%s is not connected in the end", o->name);
        return;
    }
    if (!mt_account_is_in_sync(o->a))
        asim_fail(s, "%s is not in sync in the end", o->name);
    if (o->disk.state.pts != box_of(s, o->index, BOX_COMMON)->pts)
        asim_fail(s, "%s stands at pts %d, the server at %d", o->name, (int)o->disk.state.pts,
                  (int)box_of(s, o->index, BOX_COMMON)->pts);
    for (int box = BOX_FAMILY; box < BOXES; box++) {
        struct mt_channel_row row = {0};

        if (!follows(s, o->index, (enum box)box))
            continue;
        o->disk.ops.channel(&o->disk, chat_of(s, (enum box)box)->self.id, &row);
        if (row.pts != box_of(s, o->index, (enum box)box)->pts)
            asim_fail(s, "%s stands at pts %d in channel %d, the server at %d", o->name, (int)row.pts, box,
                      (int)box_of(s, o->index, (enum box)box)->pts);
    }
}

static void check_view(struct asim *s, struct owner *o, enum box box)
{
    const struct sb_box *b = box_of(s, o->index, box);

    for (int32_t id = o->disk.view.hole[box] + 1; id <= (int32_t)b->n_msgs; id++) {
        const struct sb_msg *m = b->msgs[id - 1];
        const struct said *said = &o->disk.view.said[box][id];
        bool there = m && !m->deleted;

        if (id >= BOX_IDS)
            asim_fail(s, "the sim has too many messages");
        else if (there != said->present)
            asim_fail(s, "message %d ('%s') in box %d is %s, for %s it is %s", (int)id,
                      m ? m->post->text : "", (int)box, there ? "there" : "not there", o->name,
                      said->present ? "there"
                      : said->known ? "deleted"
                                    : "unheard of");
        else if (there && strncmp(said->text, m->post->text, TEXT_MAX - 1) != 0)
            asim_fail(s, "message %d in box %d says '%s', for %s '%s'", (int)id, (int)box, m->post->text,
                      o->name, said->text);
        if (s->failure[0])
            return;
    }
}

static unsigned times_said(const struct asim *s, const char *text)
{
    size_t n = strlen(text);
    unsigned times = 0;

    for (size_t i = 0; i < s->world->n_posts; i++) {
        const char *post = s->world->posts[i]->text;

        times += !strncmp(post, text, n) && (!post[n] || post[n] == '.');
    }
    return times;
}

static bool is_row_of(const struct mt_outbox_row *row, const struct letter *l)
{
    char wanted[TEXT_MAX + 16];
    int n = snprintf(wanted, sizeof wanted, "\"message\":\"%s\"", l->text);

    for (size_t i = 0; i + (size_t)n <= row->params.n; i++)
        if (!memcmp(row->params.p + i, wanted, (size_t)n))
            return true;
    return false;
}

static void check_letter(struct asim *s, const struct owner *o, const struct letter *l)
{
    unsigned times = times_said(s, l->text);
    bool sent = false, given_up = false;

    for (size_t i = 0; i < o->disk.n_rows; i++) {
        const struct mt_outbox_row *row = o->disk.rows[i];

        if (!is_row_of(row, l))
            continue;
        if (!mt_send_has_ended(row->state))
            asim_fail(s, "the send of '%s' never ends: state %d", l->text, row->state);
        sent = sent || row->state == MT_SEND_SENT;
        given_up = given_up || row->state == MT_SEND_FAILED || row->state == MT_SEND_EXPIRED;
    }
    if (times > 1)
        asim_fail(s, "'%s' was said %u times", l->text, times);
    if (times && l->refused)
        asim_fail(s, "'%s' was said after its sender was told that it is not sent", l->text);
    if (!times && (l->answered || sent))
        asim_fail(s, "'%s' was not said, and its sender was told that it is", l->text);
    if (!times && l->promised && !given_up)
        asim_fail(s, "'%s' was promised and is gone", l->text);
}

static void check_asked(struct asim *s, const struct owner *o)
{
    for (unsigned i = 1; i <= o->n_asked; i++)
        if (o->asked[i].ends != (o->asked[i].abandoned ? 0 : 1))
            asim_fail(s, "request %u of %s ended %u times", i, o->name, o->asked[i].ends);
}

static void check_server(struct asim *s)
{
    const struct wires_count t = wires_counted(s);

    if (s->class <= ASIM_CUTS && t.bad_msg)
        asim_fail(s, "the server complained about %llu messages", (unsigned long long)t.bad_msg);
    if (s->class == ASIM_CLEAN && (t.bad_salt > 3 * OWNERS || t.resent))
        asim_fail(s, "on good links %llu salts were wrong, %llu messages were sent again",
                  (unsigned long long)t.bad_salt, (unsigned long long)t.resent);
    for (size_t i = 0; i < s->world->n_calls; i++)
        if (s->world->calls[i].stubs)
            asim_fail(s, "a method without behaviour was called: %s", tl_def_name(s->world->calls[i].def));
}

void truth_check(struct asim *s, struct asim_totals *totals)
{
    for (unsigned i = 0; i < OWNERS && !s->failure[0]; i++) {
        struct owner *o = &s->owners[i];

        check_state(s, o);
        if (!o->bot)
            secret_check(o);
        for (int box = 0; box < BOXES; box++)
            if (follows(s, i, (enum box)box))
                check_view(s, o, (enum box)box);
        for (unsigned k = 0; k < o->n_letters; k++) {
            check_letter(s, o, &o->letters[k]);
            totals->delivered += times_said(s, o->letters[k].text);
            totals->promised += o->letters[k].promised;
        }
        check_asked(s, o);
        keys_check(o);
        totals->logins += o->losses;
        totals->sends += o->n_letters;
        totals->calls += o->n_asked;
        totals->deaths += o->life - 1;
        totals->happenings += o->disk.n;
        for (int box = 0; box < BOXES; box++)
            totals->holes += o->disk.view.hole[box] != o->first[box];
    }
    check_server(s);
    totals->links += wires_counted(s).links;
    totals->exchanges += wires_counted(s).exchanges;
}
