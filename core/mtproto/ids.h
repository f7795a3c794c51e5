/*
 * Constructor ids of the service messages (frozen for ever by the protocol) and of the few API functions
 * that the connection wraps or must know. tests/unit/mtproto compares them with the schema.
 * Source: https://core.telegram.org/mtproto/service_messages
 */
#pragma once

#include <stdint.h>

#define MT_ID_RPC_RESULT         UINT32_C(0xf35c6d01)
#define MT_ID_RPC_ERROR          UINT32_C(0x2144ca19)
#define MT_ID_RPC_DROP_ANSWER    UINT32_C(0x58e4a740)
#define MT_ID_FUTURE_SALTS       UINT32_C(0xae500895)
#define MT_ID_GET_FUTURE_SALTS   UINT32_C(0xb921bd04)
#define MT_ID_PING_DISCONNECT    UINT32_C(0xf3427b8c)
#define MT_ID_PONG               UINT32_C(0x347773c5)
#define MT_ID_DESTROY_SESSION    UINT32_C(0xe7512126)
#define MT_ID_DESTROY_SESSION_OK UINT32_C(0xe22045fc)
#define MT_ID_DESTROY_SESSION_NO UINT32_C(0x62d350c9)
#define MT_ID_NEW_SESSION        UINT32_C(0x9ec20908)
#define MT_ID_CONTAINER          UINT32_C(0x73f1f8dc)
#define MT_ID_MSG_COPY           UINT32_C(0xe06046b2)
#define MT_ID_GZIP_PACKED        UINT32_C(0x3072cfa1)
#define MT_ID_MSGS_ACK           UINT32_C(0x62d6b459)
#define MT_ID_BAD_MSG            UINT32_C(0xa7eff811)
#define MT_ID_BAD_SALT           UINT32_C(0xedab447b)
#define MT_ID_RESEND_REQ         UINT32_C(0x7d861a08)
#define MT_ID_STATE_REQ          UINT32_C(0xda69fb52)
#define MT_ID_STATE_INFO         UINT32_C(0x04deb57d)
#define MT_ID_ALL_INFO           UINT32_C(0x8cc0d131)
#define MT_ID_DETAILED_INFO      UINT32_C(0x276d3ec6)
#define MT_ID_NEW_DETAILED_INFO  UINT32_C(0x809db6df)
#define MT_ID_INVOKE_WITH_LAYER  UINT32_C(0xda9b0d0d)
#define MT_ID_INIT_CONNECTION    UINT32_C(0xc1cd5ea9)
#define MT_ID_CLIENT_PROXY       UINT32_C(0x75588b3f)
#define MT_ID_WITHOUT_UPDATES    UINT32_C(0xbf9459b7)
#define MT_ID_SAVE_FILE_PART     UINT32_C(0xb304a621)
#define MT_ID_SAVE_BIG_FILE_PART UINT32_C(0xde7b673d)
