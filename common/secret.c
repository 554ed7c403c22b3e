#include "common/secret.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean check_status(const struct stat *st, const char *path, const char *what, GError **error)
{
    if (!S_ISREG(st->st_mode)) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOPERM, "%s: %s is not a regular file; name a file", path, what);
        return FALSE;
    }
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        const struct passwd *owner = getpwuid(st->st_uid);
        g_set_error(error, DM_ERROR, DM_ERROR_NOPERM,
                    "%s: %s belongs to user %s, who could change it; run: chown root %s", path, what,
                    owner != NULL ? owner->pw_name : "(unknown)", path);
        return FALSE;
    }
    if ((st->st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOPERM, "%s: %s is open to others (mode %04o); run: chmod 0640 %s", path,
                    what, (guint)(st->st_mode & 07777), path);
        return FALSE;
    }
    return TRUE;
}

static int open_secret(const char *path, const char *what, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int reason = errno;
        const struct passwd *self = getpwuid(geteuid());
        if (reason == EACCES)
            g_set_error(error, DM_ERROR, DM_ERROR_NOPERM,
                        "%s: %s can't be read by user %s; give the file to that user's group with mode 0640", path,
                        what, self != NULL ? self->pw_name : "(unknown)");
        else
            g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT,
                        "%s: %s can't be read: %s; make the file or correct the path", path, what, g_strerror(reason));
        return -1;
    }
    struct stat st;
    if (fstat(fd, &st) != 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s: %s: %s", path, what, g_strerror(errno));
        close(fd);
        return -1;
    }
    if (!check_status(&st, path, what, error)) {
        close(fd);
        return -1;
    }
    return fd;
}

gboolean dm_secret_check(const char *path, const char *what, GError **error)
{
    int fd = open_secret(path, what, error);
    if (fd < 0)
        return FALSE;
    close(fd);
    return TRUE;
}

char *dm_secret_read(const char *path, const char *what, gsize *length, GError **error)
{
    int fd = open_secret(path, what, error);
    if (fd < 0)
        return NULL;

    char *secret = g_malloc(DM_SECRET_MAX + 2);
    gsize size = 0;
    gssize n = 0;
    while (size <= DM_SECRET_MAX && (n = read(fd, secret + size, DM_SECRET_MAX + 1 - size)) > 0)
        size += (gsize)n;
    int reason = errno;
    close(fd);

    if (n < 0 || size > DM_SECRET_MAX) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOINPUT, "%s: %s can't be read: %s", path, what,
                    n < 0 ? g_strerror(reason) : "larger than 64 KiB");
        dm_secret_free(secret, size);
        return NULL;
    }
    if (size > 0 && secret[size - 1] == '\n')
        size--;
    if (size > 0 && secret[size - 1] == '\r')
        size--;
    if (size == 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_CONFIG, "%s: %s is empty; write the secret into the file", path, what);
        dm_secret_free(secret, 0);
        return NULL;
    }
    secret[size] = '\0';
    if (length != NULL)
        *length = size;
    return secret;
}

void dm_secret_free(char *secret, gsize length)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, length);
    g_free(secret);
}

void dm_secret_forget(DmSecret *secret)
{
    dm_secret_free(secret, secret != NULL ? strlen(secret) : 0);
}

void dm_secret_release(void *memory)
{
    if (memory != NULL)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

void *dm_secret_resize(void *memory, size_t size)
{
    void *larger = malloc(MAX(size, 1));

    if (memory == NULL || larger == NULL)
        return larger;
    memcpy(larger, memory, MIN(size, malloc_usable_size(memory)));
    dm_secret_release(memory);
    return larger;
}
