#include "common/expiry.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

static gint64 epoch_of(const ASN1_TIME *time)
{
    struct tm tm;

    return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? (gint64)timegm(&tm) : 0;
}

/* Nobody is asked. */
static int no_pass_phrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

gint64 dm_expiry_of_certificate(const char *file)
{
    BIO *bio = BIO_new_file(file, "r");
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL) : NULL;
    gint64 end = certificate != NULL ? epoch_of(X509_get0_notAfter(certificate)) : 0;

    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error();
    return end;
}

gint64 dm_expiry_of_crl(const char *file)
{
    BIO *bio = BIO_new_file(file, "r");
    X509_CRL *crl = bio != NULL ? PEM_read_bio_X509_CRL(bio, NULL, no_pass_phrase, NULL) : NULL;
    gint64 next = crl != NULL ? epoch_of(X509_CRL_get0_nextUpdate(crl)) : 0;

    X509_CRL_free(crl);
    BIO_free(bio);
    ERR_clear_error();
    return next;
}
