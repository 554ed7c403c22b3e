#include "tests/unit/support.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *ts_make_folder(void)
{
    char *folder = g_dir_make_tmp("demail-unit-XXXXXX", NULL);

    assert_non_null(folder);
    return folder;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void ts_remove_folder(const char *folder)
{
    assert_int_equal(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int ts_set_up(void **state)
{
    *state = ts_make_folder();
    return 0;
}

int ts_tear_down(void **state)
{
    ts_remove_folder(*state);
    g_free(*state);
    return 0;
}

char *ts_write(const char *folder, const char *name, const char *text)
{
    char *path = g_build_filename(folder, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
    assert_int_equal(chmod(path, 0640), 0);
    return path;
}

static void write_tables(const char *folder)
{
    const struct {
        const char *name;
        const char *text;
    } files[] = {
        {"stamp.key", "0123456789abcdef0123456789abcdef\n"},
        {"demail_domains", ".de-mail.de\tdemail:unix:/run/demail/lmtp.sock\nfrei.de-mail.de no\n"},
        {"sender_logins", "buergeramt@gemeinde.example max, erika\n"},
        {"addresses", "buergermeisterin@gemeinde.example oberbuergermeisterin@gemeinde.de-mail.de\n"
                      "kasse@gemeinde.example pn_kasse@gemeinde.de-mail.de\n"},
        {"senders", "@gemeinde.example private,receipt,dispatch\n"
                    "max@gemeinde.example all unit=Amt 32\n"
                    "kasse@gemeinde.example all\n"
                    "azubi@gemeinde.example no\n"
                    "leser@gemeinde.example none\n"
                    "kaputt@gemeinde.example privat\n"
                    "@kreis.example all\n"
                    "@amt.example all\n"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        g_free(ts_write(folder, files[i].name, files[i].text));
}

DmGateway *ts_gateway(const char *folder, const char *extra)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *text = g_strdup_printf("[gateway]\n"
                                            "stamp_key_file = %1$s/stamp.key\n"
                                            "state_dir = %1$s\n"
                                            "demail_domains = texthash:%1$s/demail_domains\n"
                                            "sender_logins = texthash:%1$s/sender_logins\n"
                                            "trusted_clients = 127.0.0.0/8;::1/128;192.0.2.0/24\n"
                                            "%2$s\n"
                                            "[provider alpha]\n"
                                            "driver = rest\n"
                                            "url = https://127.0.0.1:8443\n"
                                            "client_cert = %1$s/token.pem\n"
                                            "client_key = %1$s/token.key\n"
                                            "password_file = %1$s/password\n"
                                            "[provider ended]\n"
                                            "driver = rest\n"
                                            "url = https://127.0.0.1:8444\n"
                                            "client_cert = %1$s/token.pem\n"
                                            "client_key = %1$s/token.key\n"
                                            "password_file = %1$s/password\n"
                                            "send_until = 2026-06-30\n"
                                            "[tenant gemeinde]\n"
                                            "provider = alpha\n"
                                            "account = poststelle@gemeinde.de-mail.de\n"
                                            "email_domains = gemeinde.example;werke.example\n"
                                            "demail_domains = gemeinde.de-mail.de;werke.de-mail.de\n"
                                            "senders = texthash:%1$s/senders\n"
                                            "address_map = texthash:%1$s/addresses\n"
                                            "catch_all = poststelle@gemeinde.example\n"
                                            "bounce_address = postmaster@gemeinde.example\n"
                                            "subject_prefix = [De-Mail]\n"
                                            "[tenant kreis]\n"
                                            "provider = ended\n"
                                            "account = poststelle@kreis.de-mail.de\n"
                                            "email_domains = kreis.example\n"
                                            "demail_domains = kreis.de-mail.de\n"
                                            "allowed_clients = 192.0.2.10\n"
                                            "senders = texthash:%1$s/senders\n"
                                            "catch_all = poststelle@kreis.example\n"
                                            "bounce_address = postmaster@kreis.example\n"
                                            "[tenant amt]\n"
                                            "provider = alpha\n"
                                            "account = poststelle@amt.de-mail.de\n"
                                            "email_domains = amt.example\n"
                                            "demail_domains = amt.de-mail.de\n"
                                            "direction = receive\n"
                                            "senders = texthash:%1$s/senders\n"
                                            "catch_all = poststelle@amt.example\n"
                                            "bounce_address = postmaster@amt.example\n",
                                            folder, extra);
    g_autofree char *path = ts_write(folder, "demail.conf", text);

    write_tables(folder);
    DmGateway *gateway = dm_gateway_open(path, DM_GATEWAY_POLICY | DM_GATEWAY_STAMP, problems, NULL);
    for (guint i = 0; i < problems->len; i++)
        print_error("%s\n", (const char *)g_ptr_array_index(problems, i));
    assert_non_null(gateway);
    return gateway;
}
