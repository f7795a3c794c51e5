/*
 * tgd: options, set-up, the loop, a clean end. See daemon.h for the picture.
 */
#include <errno.h>
#include <fcntl.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/backup.h"
#include "daemon/daemon.h"
#include "daemon/edge.h"
#include "daemon/hangup.h"
#include "daemon/network.h"
#include "daemon/proxies.h"
#include "daemon/resolve.h"
#include "daemon/version.h"
#include "daemon/wake.h"
#include "daemon/worker.h"
#include "tl/schema.h"

#define STOP_GRACE (2 * MT_US_PER_S)

/* Exit status: 1 and 2 are anything else and a wrong option. */
enum { EXIT_ANOTHER = 3, /* another daemon has the state folder */ EXIT_STATE = 4 /* it cannot be used */ };

enum { OPT_CHECK = 256, OPT_PRINT_SOCKET, OPT_HELP_CONFIG, OPT_SET };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"check-config", no_argument, NULL, OPT_CHECK},
    {"print-socket", no_argument, NULL, OPT_PRINT_SOCKET},
    {"help-config", no_argument, NULL, OPT_HELP_CONFIG},
    {"state-dir", required_argument, NULL, OPT_SET},
    {"socket", required_argument, NULL, OPT_SET},
    {"servers", required_argument, NULL, OPT_SET},
    {"api-id", required_argument, NULL, OPT_SET},
    {"api-hash", required_argument, NULL, OPT_SET},
    {"default-account", required_argument, NULL, OPT_SET},
    {"log-level", required_argument, NULL, OPT_SET},
    {"durability", required_argument, NULL, OPT_SET},
    {"transport", required_argument, NULL, OPT_SET},
    {"pfs", required_argument, NULL, OPT_SET},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: tgd [options]\n"
    "Keeps Telegram accounts connected and serves them on a Unix socket; see tgd(8).\n\n"
    "  -c, --config FILE       read FILE instead of the usual places\n"
    "      --state-dir DIR     where accounts, keys and the journal are kept\n"
    "      --socket PATH       where clients connect\n"
    "      --servers FILE      other data centres than Telegram's (tgd-sandbox writes one)\n"
    "      --api-id N, --api-hash HASH\n"
    "                          your application's, from https://my.telegram.org\n"
    "      --default-account NAME\n"
    "      --log-level trace|debug|info|warn|broken\n"
    "      --durability kill|power\n"
    "      --transport abridged|intermediate|padded|full|obfuscated\n"
    "      --pfs yes|no            temporary keys (no: for servers that have none)\n"
    "      --check-config      read the configuration, say what is wrong, exit\n"
    "      --print-socket      print the socket's path, exit\n"
    "      --help-config       list the keys of the configuration file, exit\n"
    "  -h, --help   -V, --version\n";

struct request {
    const char *config_file;
    bool check, print_socket;
    int exit_code; /* -1: go on */
};

/* "--state-dir" sets the key state_dir. */
static int set_option(struct tgd_config *c, const char *name, const char *value, char err[256])
{
    char key[32];

    snprintf(key, sizeof key, "%s", name);
    for (char *p = key; *p; p++)
        if (*p == '-')
            *p = '_';
    return tgd_config_set(c, key, value, err);
}

static int parse_options(int argc, char **argv, struct tgd_config *c, struct request *q, char err[256])
{
    int opt, index;

    *q = (struct request){.exit_code = -1};
    while ((opt = getopt_long(argc, argv, "c:hV", options, &index)) != -1) {
        switch (opt) {
        case 'c':
            q->config_file = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            q->exit_code = 0;
            return 0;
        case 'V':
            printf("tgd %s (layer %d)\n", TGD_VERSION, tl_layer);
            q->exit_code = 0;
            return 0;
        case OPT_HELP_CONFIG:
            tgd_config_print();
            q->exit_code = 0;
            return 0;
        case OPT_CHECK:
            q->check = true;
            break;
        case OPT_PRINT_SOCKET:
            q->print_socket = true;
            break;
        case OPT_SET:
            if (set_option(c, options[index].name, optarg, err))
                return -1;
            break;
        default:
            q->exit_code = 2;
            return 0;
        }
    }
    if (optind < argc) {
        snprintf(err, 256, "unexpected argument '%.100s'; see tgd --help", argv[optind]);
        return -1;
    }
    return 0;
}

/* --- set-up --- */

static void harden(void)
{
    struct rlimit no_core = {0}, files;

    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a full quota is an error of write(2), not our end */
}

static char *read_whole(const char *path, size_t *n, char err[256])
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    long size;

    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || size > 1024 * 1024 || fseek(f, 0, SEEK_SET)) {
        snprintf(err, 256, "%.160s: %s", path, errno ? strerror(errno) : "too large");
        goto end;
    }
    text = malloc((size_t)size + 1);
    *n = text ? fread(text, 1, (size_t)size, f) : 0;
    if (text)
        text[*n] = 0;
end:
    if (f)
        fclose(f);
    return text;
}

static int load_servers(struct tgd *d, char err[256])
{
    char why[128] = "";
    char *text;
    size_t n;

    if (!d->config.servers) {
        d->servers = mt_servers_builtin();
        if (!d->servers)
            snprintf(err, 256, "out of memory");
        return d->servers ? 0 : -1;
    }
    text = read_whole(d->config.servers, &n, err);
    if (!text)
        return -1;
    d->servers = mt_servers_parse(text, n, why);
    free(text);
    if (!d->servers)
        snprintf(err, 256, "%.100s: %s", d->config.servers, why);
    return d->servers ? 0 : -1;
}

static int open_store(struct tgd *d, char err[256])
{
    uint8_t set[32];
    char boot[40];
    struct store_cfg cfg = {.env = &d->env,
                            .dir = d->config.state_dir,
                            .socket_path = d->config.sockets[0].path,
                            .server_set = set,
                            .seal_key = d->config.has_keys_key ? d->config.keys_key : NULL,
                            .unseal = !d->config.seal_keys,
                            .now = tgd_now(),
                            .boot_id = boot};

    int r;

    mt_servers_digest(d->servers, set);
    tgd_boot_id(boot);
    r = store_open(&cfg, &d->store, err);
    if (r != MT_OK)
        d->exit_code = r == STORE_E_LOCKED ? EXIT_ANOTHER : EXIT_STATE;
    return r;
}

/* --- the loop --- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd; /* the pump runs after every round of the loop */
    (void)what;
    (void)arg;
}

int tgd_reload(struct tgd *d, char err[256])
{
    struct tgd_config next;
    struct tgd_profiles profiles;
    char kept[256];
    int r;

    tgd_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)tgd_now().mono);
    tgd_config_init(&next);
    r = tgd_config_read(&next, d->config.file, err);
    if (r == 0)
        r = tgd_config_finish(&next, err);
    if (r == 0)
        r = tgd_profiles_make(&profiles, &next, err);
    if (r == 0) {
        tgd_profiles_free(&d->profiles); /* connections keep theirs until they are looked at below */
        d->profiles = profiles;
        tgd_config_apply(&d->config, &next, kept);
        tgd_log_level((enum mt_log_level)d->config.log_level);
        tgd_accounts_configure(d);
        tgd_proxies_reload(d);
        tgd_clients_recheck(d);
        rpc_set_default_account(d->rpc, d->config.default_account);
        if (kept[0])
            snprintf(err, 256, "a restart is needed for: %.200s", kept);
        r = kept[0] ? -1 : 0;
    }
    tgd_config_fini(&next);
    tgd_log(MT_LOG_INFO, "main", "reload: %s", r ? err : "done");
    tgd_notify("READY=1");
    return r;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    struct tgd *d = arg;
    char err[256];

    (void)what;
    if (number == SIGHUP)
        (void)tgd_reload(d, err);
    else
        d->stop = true;
}

static void on_synced(void *ctx)
{
    struct tgd *d = ctx;

    rpc_synced(d->rpc, tgd_now(), store_synced(d->store));
    tgd_pump_synced(d->pump, tgd_now());
}

static void on_computed(void *ctx, int32_t account, uint64_t token, struct mt_job *job)
{
    struct tgd_account *a = tgd_account_by_id(ctx, account);

    if (!a) {
        mt_job_free(job);
        return;
    }
    tgd_account_touch(a);
    mt_account_done(a->core, tgd_now(), token, MT_OK, job);
}

static void on_network(void *ctx)
{
    tgd_log(MT_LOG_INFO, "main", "the network has changed");
    tgd_accounts_kick(ctx, tgd_now());
}

static void on_jump(void *ctx)
{
    (void)ctx; /* the loop is awake, and the pump, which runs after its every round, looks at the clocks */
}

static int set_up_loop(struct tgd *d)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct event_config *cfg = event_config_new();

    if (cfg)
        event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
    d->base = cfg ? event_base_new_with_config(cfg) : NULL;
    if (cfg)
        event_config_free(cfg);
    if (!d->base)
        return -1;
    d->timer = evtimer_new(d->base, on_timer, d);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
        if (!d->signals[i] || event_add(d->signals[i], NULL))
            return -1;
    }
    d->hangup = tgd_hangup_new(d->base, tgd_client_gone);
    d->network = tgd_network_new(d->base, on_network, d);
    if (!d->network)
        tgd_log(MT_LOG_INFO, "main", "no word of network changes: %s", strerror(errno));
    d->wake = tgd_wake_new(d->base, on_jump, d);
    if (!d->wake)
        tgd_log(MT_LOG_INFO, "main", "no word of resumes: %s", strerror(errno));
    return d->timer && d->hangup ? 0 : -1;
}

static int set_up(struct tgd *d, char err[256])
{
    struct rpc_cfg rpc = {.env = &d->env,
                          .host = &d->host,
                          .version = TGD_VERSION,
                          .check_uid = true,
                          .owner_uid = getuid(),
                          .pid = getpid()};
    struct tgd_worker_ops ops = {.ctx = d, .synced = on_synced, .computed = on_computed};

    tgd_env_init(&d->env);
    if (load_servers(d, err) || open_store(d, err) != MT_OK)
        return -1;
    tgd_host_init(d);
    rpc.default_account = d->config.default_account;
    d->rpc = rpc_new(&rpc, tgd_now());
    d->pump = tgd_pump_new(d);
    if (!d->rpc || !d->pump || set_up_loop(d) || !(d->worker = tgd_worker_new(d->base, d->store, &ops))) {
        snprintf(err, 256, "out of memory, descriptors or threads");
        return -1;
    }
    d->resolver = tgd_resolver_new(d->base);
    if (!d->resolver) {
        snprintf(err, 256, "out of memory or descriptors");
        return -1;
    }
    if (tgd_proxies_open(d, err) || tgd_listen(d, err))
        return -1;
    tgd_accounts_configure(d);
    if (tgd_accounts_list(d) != MT_OK) {
        snprintf(err, 256, "%.250s", store_error(d->store));
        return -1;
    }
    return 0;
}

/* Lets answers and acks leave; whoever does not take them in time loses nothing that is stored. */
static void drain(struct tgd *d)
{
    int64_t until = tgd_now().mono + STOP_GRACE;

    tgd_notify("STOPPING=1\nSTATUS=stopping");
    tgd_log(MT_LOG_INFO, "main", "stopping");
    tgd_unlisten(d);
    d->draining = true;
    d->opening = false;
    for (size_t i = 0; i < d->n_accounts; i++) {
        if (!d->accounts[i]->core)
            continue;
        mt_account_stop(d->accounts[i]->core, tgd_now());
        tgd_account_touch(d->accounts[i]);
    }
    for (;;) {
        bool busy = false;

        tgd_pump(d->pump);
        for (size_t i = 0; i < d->n_accounts; i++)
            busy |= d->accounts[i]->links != NULL;
        if (!busy || tgd_now().mono >= until)
            return;
        event_base_loop(d->base, EVLOOP_ONCE);
    }
}

/* For whoever reads the log afterwards: the test suite sums these up. */
static void log_turns(const struct tgd *d)
{
    const struct tgd_spread *cpu = &d->turns.cpu, *stall = &d->turns.stall;

    tgd_log(MT_LOG_INFO, "loop", "turns %llu, cpu p99.9 %u us, max %u us; stall p99.9 %u us, max %u us",
            (unsigned long long)cpu->n, tgd_spread_at(cpu, 999000), cpu->max, tgd_spread_at(stall, 999000),
            stall->max);
}

static void run(struct tgd *d)
{
    tgd_pump(d->pump);
    tgd_notify("READY=1\nSTATUS=serving %zu account%s on %s", d->n_accounts, d->n_accounts == 1 ? "" : "s",
               d->config.sockets[0].path);
    while (!d->stop) {
        tgd_turn_wait();
        if (event_base_loop(d->base, EVLOOP_ONCE) < 0) {
            tgd_log(MT_LOG_BROKEN, "main", "the loop failed: %s", strerror(errno));
            break;
        }
        tgd_pump(d->pump);
        tgd_turns_ended(&d->turns, tgd_turn_began());
    }
    log_turns(d);
    drain(d);
}

static void tear_down(struct tgd *d)
{
    tgd_backup_fini(d);
    tgd_unlisten(d);
    tgd_clients_close(d);
    tgd_accounts_close(d);
    tgd_proxies_close(d);
    tgd_resolver_free(d->resolver);
    tgd_worker_free(d->worker);
    rpc_free(d->rpc);
    tgd_pump_free(d->pump);
    store_close(d->store);
    mt_servers_free(d->servers);
    tgd_network_free(d->network);
    tgd_wake_free(d->wake);
    tgd_hangup_free(d->hangup);
    for (size_t i = 0; i < sizeof d->signals / sizeof *d->signals; i++)
        if (d->signals[i])
            event_free(d->signals[i]);
    if (d->timer)
        event_free(d->timer);
    if (d->base)
        event_base_free(d->base);
    tgd_profiles_free(&d->profiles);
    tgd_config_fini(&d->config);
    libevent_global_shutdown();
}

int main(int argc, char **argv)
{
    struct tgd d = {0};
    struct request q;
    char err[256] = "";
    int code = 1;

    tgd_config_init(&d.config);
    if (parse_options(argc, argv, &d.config, &q, err))
        goto end;
    if (q.exit_code >= 0) {
        tgd_config_fini(&d.config);
        return q.exit_code;
    }
    if (tgd_config_read(&d.config, q.config_file, err) || tgd_config_finish(&d.config, err) ||
        tgd_profiles_make(&d.profiles, &d.config, err))
        goto end;
    tgd_log_level((enum mt_log_level)d.config.log_level);
    code = 0;
    if (q.check)
        printf("%s: ok\n", d.config.file ? d.config.file : "no configuration file");
    else if (q.print_socket)
        puts(d.config.sockets[0].path);
    else {
        harden();
        if (set_up(&d, err) == 0)
            run(&d);
        else
            code = d.exit_code ? d.exit_code : 1;
    }
end:
    if (err[0])
        fprintf(stderr, "tgd: %s\n", err);
    tear_down(&d);
    return code;
}
