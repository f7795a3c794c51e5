#include "tests/unit/check.h"
#include "daemon/config.h"
#include "daemon/paths.h"

#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tgd-config-XXXXXX";
static char path[64];

static void write_file(const char *text)
{
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* Reads the text as a configuration; the error, or "". */
static const char *read_text(struct tgd_config *c, const char *text)
{
    static char err[256];

    write_file(text);
    tgd_config_init(c);
    err[0] = 0;
    if (tgd_config_read(c, path, err) == 0)
        err[0] = 0;
    return err;
}

static void every_key_is_read(void **state)
{
    struct tgd_config c;

    assert_string_equal(
        read_text(
            &c, "[daemon]\napi_id = 17\napi_hash = abc\nlog_level = debug\ndurability = power\n"
                "transport = full\njournal_days = 3\njournal_events = 50\njournal_mib = 2\n"
                "journal_raw = no\n[socket]\npath = /x/y\nmode = 0660\n"
                "[account shop]\napi_id = 18\napi_hash = def\njournal = off\n[account main]\njournal = on\n"),
        "");
    assert_int_equal(c.api_id, 17);
    assert_string_equal(c.api_hash, "abc");
    assert_int_equal(c.log_level, 1);
    assert_true(c.power_safe);
    assert_string_equal(c.transport, "full");
    assert_string_equal(c.sockets[0].path, "/x/y");
    assert_int_equal(c.sockets[0].mode, 0660);
    assert_int_equal(c.journal_days, 3);
    assert_int_equal(c.journal_events, 50);
    assert_int_equal(c.journal_mib, 2);
    assert_false(c.journal_raw);
    assert_int_equal(c.n_accounts, 2);
    assert_false(c.accounts[0].journal);
    assert_true(c.accounts[1].journal);
    assert_string_equal(c.accounts[0].name, "shop");
    assert_int_equal(c.accounts[0].api_id, 18);
    tgd_config_fini(&c);
}

static void mistakes_are_named_with_their_line(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[daemon]\napi_di = 1\n", ":2: unknown key 'api_di' in [daemon]; did you mean 'api_id'?"},
        {"[deamon]\nx = 1\n", ":2: unknown section [deamon]"},
        {"[daemon]\n\napi_id = many\n", ":3: api_id: expected a number"},
        {"[daemon]\nlog_level = loud\n", "expected one of trace|debug|info|warn|broken"},
        {"[socket]\nmode = 999\n", "mode: expected a number"},
        {"[daemon]\ntransport = pigeon\n", "expected one of abridged|"},
        {"[account a]\ncolour = red\n", "unknown key 'colour' in [account]"},
        {"[account a]\njurnal = on\n", "did you mean 'journal'?"},
        {"[account a]\njournal = maybe\n", "journal: expected one of off|on"},
        {"[account a]\napi_id = 0\n", "api_id: expected a number from 1"},
        {"[daemon]\njournal_events = 3\n", "journal_events: expected a number from 10"},
        {"[socket web]\nmoed = 0660\n", ":2: unknown key 'moed' in [socket]; did you mean 'mode'?"},
        {"[profile web]\nmethod = @read\n", "did you mean 'methods'?"},
        {"[profile a-name-that-is-longer-than-any-name-may-be]\nchats = me\n", "name too long"},
        {"just words\n", ":1: no KEY = VALUE line"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tgd_config c;
        const char *err = read_text(&c, rows[i].text);

        if (!strstr(err, rows[i].says))
            fail_msg("%s\n  says %s\n  not  %s", rows[i].text, err, rows[i].says);
        tgd_config_fini(&c);
    }
}

static void sockets_and_profiles_have_names(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[socket web]\nmode = 0660\n", "[socket web]: has no path"},
        {"[socket]\npath = /a\n[socket web]\npath = /a\n", "[socket web]: has the path of [socket main]"},
        {"[socket web]\npath = /b\nprofile = web, other\n[profile web]\n", "no [profile web]"},
        {"[socket web]\npath = /b\nprofile = web, other\n[profile web]\nchats = me\n", "no [profile other]"},
    };
    struct tgd_config c;
    const char *list;
    char err[256], word[8];

    assert_string_equal(
        read_text(&c,
                  "[socket]\npath = /a\nprofile = one\n[socket web]\npath = /b\nmode = 0660\ngroup = web\n"
                  "profile = one two\n[profile one]\nmethods = @read\n[profile two]\nusers = a, b\n"
                  "[socket web]\nmode = 0666\n"),
        "");
    assert_int_equal(tgd_config_set(&c, "state_dir", "/s", err), 0);
    assert_int_equal(tgd_config_finish(&c, err), 0);
    assert_int_equal(c.n_sockets, 2);
    assert_string_equal(c.sockets[0].name, "main");
    assert_string_equal(c.sockets[0].profile, "one");
    assert_int_equal(c.sockets[0].mode, 0600);
    assert_string_equal(c.sockets[1].path, "/b");
    assert_string_equal(c.sockets[1].group, "web");
    assert_int_equal(c.sockets[1].mode, 0666);
    list = c.sockets[1].profile;
    assert_true(tgd_config_word(&list, word, sizeof word));
    assert_string_equal(word, "one");
    assert_true(tgd_config_word(&list, word, sizeof word));
    assert_string_equal(word, "two");
    assert_false(tgd_config_word(&list, word, sizeof word));
    assert_string_equal(tgd_config_profile(&c, "two")->users, "a, b");
    tgd_config_fini(&c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)read_text(&c, rows[i].text);
        (void)tgd_config_set(&c, "state_dir", "/s", err);
        assert_int_equal(tgd_config_finish(&c, err), -1);
        if (!strstr(err, rows[i].says))
            fail_msg("%s\n  says %s\n  not  %s", rows[i].text, err, rows[i].says);
        tgd_config_fini(&c);
    }
}

static void a_reload_takes_profiles_and_names_sockets(void **state)
{
    struct tgd_config c, next;
    char kept[256];

    assert_string_equal(read_text(&c, "[socket web]\npath = /b\nprofile = one\n[profile one]\nchats = me\n"),
                        "");
    assert_string_equal(
        read_text(&next, "[socket web]\npath = /b\nprofile = two\n[profile two]\nchats = @news\n"), "");
    tgd_config_apply(&c, &next, kept);
    assert_string_equal(kept, "");
    assert_string_equal(c.sockets[1].profile, "two");
    assert_null(tgd_config_profile(&c, "one"));
    assert_string_equal(tgd_config_profile(&c, "two")->chats, "@news");
    tgd_config_fini(&next);
    assert_string_equal(
        read_text(&next, "[socket web]\npath = /c\nprofile = two\n[profile two]\nchats = @news\n"), "");
    tgd_config_apply(&c, &next, kept);
    assert_string_equal(kept, "[socket NAME]");
    assert_string_equal(c.sockets[1].path, "/b");
    tgd_config_fini(&next);
    tgd_config_fini(&c);
}

static void the_command_line_is_stronger_than_the_file(void **state)
{
    struct tgd_config c;
    char err[256];

    write_file("[daemon]\napi_id = 1\n");
    tgd_config_init(&c);
    assert_int_equal(tgd_config_set(&c, "api_id", "2", err), 0);
    assert_int_equal(tgd_config_read(&c, path, err), 0);
    assert_int_equal(c.api_id, 2);
    tgd_config_fini(&c);
}

static void a_secret_is_not_shown(void **state)
{
    struct tgd_config c;
    json_t *o;
    char *text;

    assert_string_equal(read_text(&c, "[daemon]\napi_hash = hidden\n"), "");
    o = tgd_config_json(&c);
    text = json_dumps(o, 0);
    assert_null(strstr(text, "hidden"));
    assert_non_null(strstr(text, "\"set\""));
    free(text);
    json_decref(o);
    tgd_config_fini(&c);
}

static void reload_names_what_needs_a_restart(void **state)
{
    struct tgd_config a, b;
    char kept[256];

    assert_string_equal(read_text(&a, "[daemon]\napi_id = 1\ntransport = full\n"), "");
    assert_string_equal(read_text(&b, "[daemon]\napi_id = 2\ntransport = padded\n"), "");
    tgd_config_apply(&a, &b, kept);
    assert_string_equal(kept, "daemon.transport");
    assert_int_equal(a.api_id, 2);
    assert_string_equal(a.transport, "full");
    tgd_config_fini(&a);
    tgd_config_fini(&b);
}

static void reload_changes_what_accounts_keep(void **state)
{
    struct tgd_config a, b;
    char kept[256];

    assert_string_equal(read_text(&a, "[account x]\njournal = off\n[account y]\napi_id = 5\n"), "");
    assert_string_equal(read_text(&b, "[account y]\njournal = off\n[account z]\njournal = off\n"), "");
    tgd_config_apply(&a, &b, kept);
    assert_string_equal(kept, "");
    assert_int_equal(a.n_accounts, 3);
    assert_true(a.accounts[0].journal);
    assert_false(a.accounts[1].journal);
    assert_int_equal(a.accounts[1].api_id, 5);
    assert_false(a.accounts[2].journal);
    tgd_config_fini(&a);
    tgd_config_fini(&b);
}

static void places_follow_the_environment(void **state)
{
    char out[TGD_PATH_MAX];

    setenv("STATE_DIRECTORY", "/s/a:/s/b", 1);
    assert_true(tgd_path_state(out, sizeof out));
    assert_string_equal(out, "/s/a");
    unsetenv("STATE_DIRECTORY");
    setenv("XDG_STATE_HOME", "/x", 1);
    assert_true(tgd_path_state(out, sizeof out));
    assert_string_equal(out, "/x/tgd");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/h", 1);
    assert_true(tgd_path_state(out, sizeof out));
    assert_string_equal(out, "/h/.local/state/tgd");
    setenv("RUNTIME_DIRECTORY", "/run/tgd", 1);
    assert_true(tgd_path_socket("/s", out, sizeof out));
    assert_string_equal(out, "/run/tgd/tgd.sock");
    unsetenv("RUNTIME_DIRECTORY");
    setenv("XDG_RUNTIME_DIR", folder, 1);
    assert_true(tgd_path_socket("/s", out, sizeof out));
    assert_int_equal(strncmp(out, folder, strlen(folder)), 0);
}

static void folders_are_made_with_their_mode(void **state)
{
    char deep[128];
    struct stat st;

    snprintf(deep, sizeof deep, "%s/a/b/c", folder);
    assert_true(tgd_make_folder(deep, 0700));
    assert_true(tgd_make_folder(deep, 0700));
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_false(tgd_make_folder("/proc/no/such", 0700));
}

static int set_up(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/tgd.conf", folder);
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(sockets_and_profiles_have_names),
        cmocka_unit_test(a_reload_takes_profiles_and_names_sockets),
        cmocka_unit_test(the_command_line_is_stronger_than_the_file),
        cmocka_unit_test(a_secret_is_not_shown),
        cmocka_unit_test(reload_names_what_needs_a_restart),
        cmocka_unit_test(reload_changes_what_accounts_keep),
        cmocka_unit_test(places_follow_the_environment),
        cmocka_unit_test(folders_are_made_with_their_mode),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
