/* A private key that protects nothing: tests only. */
#pragma once

#define TEST_RSA_PEM                                                                                         \
    "-----BEGIN PRIVATE KEY-----\n"                                                                          \
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDKJ9WRMuOTXXIK\n"                                     \
    "99R6VH6Nq0AbKVetB2JKredpOW7y92PsZCpKlyUJ1Ww+2AqjyL7lVG4TeF7Vb8Gd\n"                                     \
    "jgyzKl+dfBGDmKsCRoEON0zKOCXWCQuH6JzhdGShMO479mLL0JQBKSNA9SeFd9BK\n"                                     \
    "dZD5cRO0tkF/VauxrfI6m5prwljGSeV/RlAq5L87wY5d5HeSOyXT84mANTAIbMIH\n"                                     \
    "MSU/uQ30BoX6N9MuIodGz7iHTSZsZhvZGtmSBAvpP2VUD8M94gZfIqxaJShvZRUp\n"                                     \
    "jOfpiHuLEoAMn2RsIbRbmQVe9KRS7lg5DWpSPBnmgR+h36elofFdCTgZmGcEXxOU\n"                                     \
    "2OT3ftCVAgMBAAECggEADmjjfMubVDRLfkOnJicitDd6RNVgFgnaNEeMIMCCy5fd\n"                                     \
    "zAphx1pZvgc0BZDBxWX4UYGArSud2unx66il+BlzolanKvG1ct6SsXA4rYtuCwEv\n"                                     \
    "DLuEfz+cMq85tBV+ele+TQzhIe63p/hf5QbXVCh+xpldNtXk/K/Q/eN8kOTUDiIy\n"                                     \
    "26FPa98wCBgrTzWJRKImK0f8AijwF+oWSz+5+scVSHK/aGbasAdw4l5ZepoZpPH1\n"                                     \
    "epMFsONDX/EkjLpVastBmNc/PbNCYsqAt6yDHO8ej1YHDP6SeWI1UUztnj52fjbP\n"                                     \
    "xGhV186b/bBplnYiJPBgfHtKVohqKiUs+ESFgCTxGwKBgQDvhx/D30wBDEdlpTeE\n"                                     \
    "CdtaFLdFpN6p3FXoHnyLOMs+w/KBIlRW8WDa95d/rMuiHd06mmZ8P++45jfUOi2P\n"                                     \
    "gkhBuu01YExtORBuOggDg0abGbKSd2ga5y2UFHK0xh3rIQWUG2QxFQnwTUwcMcZS\n"                                     \
    "awkoVrIPJdJGHKKEp4qhKZsp0wKBgQDYDsYfuctUNqUguinlvboXIPanF6YUlEFB\n"                                     \
    "Wo1aISzFio1M0MANTONhTFRs3JyFGVFfCZNVMA0FfEZCRyCxqDgerFPt5Uvju/6y\n"                                     \
    "fSNb8w3fGkrIBBkKAhSOkC9jhWhXqwBb0ZesefjhN9wHoxQe//yUsroxs9zjJFO/\n"                                     \
    "C3lLvcDy9wKBgQDoquzkKwd9DRxdU/t1Os3j1rOf5uKTRP/9lX+NDQIAWf46Ccq7\n"                                     \
    "GYTnrhFvZ732H+RBhLGAh+qoRJh+gnS3LepaTuUUMBKNFh0rtRsLrnzrNC8Nrwdk\n"                                     \
    "+qJ/cM1rY/az60Or9l+AfdtFnRANYxwt+uLOWEhmBmsWx8Hl8Yjru6qJGQKBgCZI\n"                                     \
    "F9qvNNOrCv8NfTbzsvE+KfXZPtgOnLFTtg/uKNyne/nMUvsIUJGA0MSpIiKDJePM\n"                                     \
    "8on5hZUfO+OqbqSLxcXJiuVv505mlO5TNdyo6CBLrExcTYN0cuf/rCXaEW7XIa0j\n"                                     \
    "Kdipk+tz1kyUHJCRktNWB5+e2th0K1KCWe+No45pAoGAGM6ZwcV0k3gAxnT29tFo\n"                                     \
    "x6dAoxHe9UNRLSS/OlZ+GJ84tj+hgWnAls+UFk4cmeoJZaRhup70ce95g+9WjJ36\n"                                     \
    "l/1BqrR8HC/AV8+AV6gQpweDjQy20F7r4/xTn6gHkxkioqda5xI7uy7iS+msPfZr\n"                                     \
    "paOA+DLDTUqcZmX96HwXpkE=\n"                                                                             \
    "-----END PRIVATE KEY-----\n"
