#include "daemon/config.h"
#include "daemon/config_value.h"

/*
 * The tables. A new key is a row here and a member of a struct in config.h; the parser, getConfig,
 * --help-config and tgd.conf(5) follow.
 */
#define AT(member) offsetof(struct tgd_config, member)

const struct tgd_key tgd_keys[] = {
    {"daemon", "state_dir", T_STRING, AT(state_dir), NULL, 0, 0, NULL, false, false,
     "folder of everything that is kept"},
    {"daemon", "servers", T_STRING, AT(servers), NULL, 0, 0, NULL, false, false,
     "JSON file of data centres and RSA keys, instead of the built-in ones"},
    {"daemon", "api_id", T_INT, AT(api_id), "0", 0, INT32_MAX, NULL, false, true,
     "your application's id from https://my.telegram.org"},
    {"daemon", "api_hash", T_STRING, AT(api_hash), NULL, 0, 0, NULL, true, true, "its hash"},
    {"daemon", "default_account", T_STRING, AT(default_account), NULL, 0, 0, NULL, false, true,
     "account that a request means when it names none"},
    {"daemon", "log_level", T_LEVEL, AT(log_level), "info", 0, 0, "trace|debug|info|warn|broken", false, true,
     "least important line that is written"},
    {"daemon", "durability", T_CHOICE, AT(power_safe), "kill", 0, 0, "kill|power", false, false,
     "what an event and the answer of a send wait for: the commit (kill) or the disk (power)"},
    {"daemon", "journal_days", T_INT, AT(journal_days), "7", 1, 3650, NULL, false, true,
     "days for which an account's events are kept"},
    {"daemon", "journal_events", T_INT, AT(journal_events), "1000000", 10, 1000000000, NULL, false, true,
     "how many events of an account are kept"},
    {"daemon", "journal_mib", T_INT, AT(journal_mib), "256", 1, 1048576, NULL, false, true,
     "MiB of an account's events that are kept"},
    {"daemon", "journal_raw", T_BOOL, AT(journal_raw), "yes", 0, 0, "no|yes", false, true,
     "keep the TL of each update beside its event, for subscribers with raw: true"},
    {"daemon", "proxy", T_PROXY, AT(proxy), NULL, 0, 0, NULL, true, true,
     "way out of all accounts: direct, socks5://, http://, mtproxy:// or a link of t.me, as in setProxy"},
    {"daemon", "seal_keys", T_BOOL, AT(seal_keys), "yes", 0, 0, "no|yes", false, false,
     "encrypt the keys of accounts where the credential `keys` is given; no: write them plain again"},
    {"daemon", "transport", T_STRING, AT(transport), "obfuscated", 0, 0,
     "abridged|intermediate|padded|full|obfuscated", false, false, "how packets are framed on the wire"},
    {"daemon", "pfs", T_BOOL, AT(pfs), "yes", 0, 0, "no|yes", false, false,
     "forward secrecy: traffic under temporary keys; only servers that are not Telegram's need no"},
    {"socket", "path", T_STRING, AT(sockets[0].path), NULL, 0, 0, NULL, false, false,
     "path of the Unix socket"},
    {"socket", "mode", T_MODE, AT(sockets[0].mode), "0600", 0, 0777, NULL, false, false,
     "file mode of the socket"},
    {"socket", "group", T_STRING, AT(sockets[0].group), NULL, 0, 0, NULL, false, false,
     "group that the socket file belongs to"},
    {"socket", "profile", T_STRING, AT(sockets[0].profile), NULL, 0, 0, NULL, false, true,
     "profiles for its clients: the first of these that admits one"},
};
const size_t tgd_n_keys = sizeof tgd_keys / sizeof *tgd_keys;

#define OF(member) offsetof(struct tgd_config_account, member)

/* [account NAME] */
const struct tgd_key tgd_account_keys[] = {
    {"account", "api_id", T_INT, OF(api_id), NULL, 1, INT32_MAX, NULL, false, false,
     "an application of its own for this account, instead of the one of [daemon]"},
    {"account", "api_hash", T_STRING, OF(api_hash), NULL, 0, 0, NULL, true, false, "its hash"},
    {"account", "proxy", T_PROXY, OF(proxy), NULL, 0, 0, NULL, true, true,
     "its way out, instead of that of [daemon]; what setProxy says is stronger"},
    {"account", "journal", T_BOOL, OF(journal), "on", 0, 0, "off|on", false, true,
     "keep its events; off: they are told to who listens, and have no cursor"},
};
const size_t tgd_n_account_keys = sizeof tgd_account_keys / sizeof *tgd_account_keys;

#define PF(member) offsetof(struct tgd_config_profile, member)

/* [profile NAME]; lists are separated by commas or spaces */
const struct tgd_key tgd_profile_keys[] = {
    {"profile", "users", T_STRING, PF(users), NULL, 0, 0, NULL, false, true,
     "who may connect beside the owner and root: names or numbers of users"},
    {"profile", "groups", T_STRING, PF(groups), NULL, 0, 0, NULL, false, true, "the same by their groups"},
    {"profile", "accounts", T_STRING, PF(accounts), NULL, 0, 0, NULL, false, true,
     "accounts that are there for them, as patterns; none: all"},
    {"profile", "methods", T_STRING, PF(methods), NULL, 0, 0, NULL, false, true,
     "what they may call: @read, @send, @admin, patterns of names"},
    {"profile", "chats", T_STRING, PF(chats), NULL, 0, 0, NULL, false, true,
     "chats that are there for them: numbers, @names, me"},
};
const size_t tgd_n_profile_keys = sizeof tgd_profile_keys / sizeof *tgd_profile_keys;
