/* Who is there when the sandbox starts: README.md lists them. */
#include "tests/sandbox/world_acts.h"

struct person {
    const char *first, *last, *username, *phone, *token;
    int32_t dc;
};

static struct sb_user *add(struct sb_world *w, const struct person *p)
{
    struct sb_user *u = sb_user_new(w, sb_next_id(w, SB_USER, p->token != NULL), p->first);

    u->last = sb_dup(p->last);
    u->username = sb_dup(p->username);
    u->phone = sb_dup(p->phone);
    u->token = sb_dup(p->token);
    u->bot = p->token != NULL;
    u->dc = p->dc;
    return u;
}

static void befriend(struct sb_user *a, struct sb_user *b)
{
    *SB_PUSH(a->contacts, a->n_contacts, a->cap_contacts) = b->id;
    *SB_PUSH(b->contacts, b->n_contacts, b->cap_contacts) = a->id;
}

static void say(struct sb_turn *t, struct sb_user *from, struct sb_peer to, const char *text)
{
    const struct sb_chat *c = to.kind == SB_CHANNEL ? sb_chat_get(t->w, to) : NULL;
    const struct sb_letter s = {.from = from, .to = to, .text = text, .as_channel = c && !c->megagroup};

    sb_deliver(t, &s);
}

static struct sb_chat *found(struct sb_turn *t, struct sb_user *by, enum sb_kind kind, const char *title,
                             const char *username, bool megagroup)
{
    struct sb_chat *c = sb_make_chat(t, by, kind, title, megagroup);

    c->username = sb_dup(username);
    return c;
}

void sb_seed_world(struct sb_world *w, struct mt_now now)
{
    /* the clock of what happened before the sandbox started stands an hour back */
    struct sb_turn t = {.w = w, .now = now, .date = (int32_t)(now.wall / MT_US_PER_S) - 3600};
    struct sb_user *service = sb_user_new(w, SB_SERVICE_USER, "Telegram");
    struct sb_user *alice = add(w, &(struct person){"Alice", "Archer", "alice", "9996620001", NULL, 2});
    struct sb_user *bob = add(w, &(struct person){"Bob", "Baker", "bob", "9996620002", NULL, 2});
    struct sb_user *carol = add(w, &(struct person){"Carol", NULL, "carol", "9996610003", NULL, 1});
    struct sb_user *bot =
        add(w, &(struct person){"Echo", NULL, "echo_bot", NULL, "6000000001:sandbox-token-of-echo-bot", 2});
    struct sb_chat *family, *news, *team;

    service->phone = sb_dup("42777");
    service->service = true;
    service->dc = 1;
    befriend(alice, bob);
    befriend(alice, carol);
    family = found(&t, alice, SB_CHANNEL, "family", "family", true);
    sb_join(&t, family, bob, alice);
    sb_join(&t, family, carol, alice);
    news = found(&t, alice, SB_CHANNEL, "news", "news", false);
    sb_join(&t, news, bob, bob);
    team = found(&t, bob, SB_GROUP, "team", NULL, false);
    sb_join(&t, team, alice, bob);
    sb_join(&t, team, bot, bob);
    say(&t, alice, (struct sb_peer){SB_USER, bob->id}, "Hello Bob");
    say(&t, bob, (struct sb_peer){SB_USER, alice->id}, "Hello Alice");
    say(&t, bob, (struct sb_peer){SB_USER, bot->id}, "/start");
    say(&t, alice, family->self, "Dinner at seven");
    say(&t, bob, family->self, "I bring the bread");
    say(&t, alice, news->self, "The sandbox is open");
    sb_turn_end(&t);
}
