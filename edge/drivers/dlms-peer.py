"""A meter of Gurux's DLMS server for tests: `dlms-peer.py wrapper|hdlc PORT|DEVICE METER`, METER as JSON on the command line.

METER: registers by OBIS `{"1.0.1.8.0.255": [kind, value, scaler, unit]}`, `name`, `client`, `server` (its whole address),
`password` or null, `pdu` (the longest answer in one piece), `rows` of the load profile. Prints where it listens. PORT `-`
is any; a DEVICE is a serial line. Each connection is a meter of its own, as one that is read anew.
"""

import json
import os
import socket
import sys
import tty
from datetime import datetime
from types import SimpleNamespace

from gurux_dlms import GXByteBuffer, GXDateTime, GXDLMSServer, GXServerReply
from gurux_dlms.enums import Authentication, DataType, InterfaceType, SourceDiagnostic
from gurux_dlms.objects import (
    GXDLMSAssociationLogicalName,
    GXDLMSCaptureObject,
    GXDLMSClock,
    GXDLMSData,
    GXDLMSExtendedRegister,
    GXDLMSProfileGeneric,
    GXDLMSRegister,
)
from gurux_dlms.GXDLMSLongTransaction import GXDLMSLongTransaction
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.ValueEventArgs import ValueEventArgs

# The server asks for these by names that are not there.
ValueEventArgs.getRowEndIndex = lambda self: self.rowEndIndex
GXDLMSSettings.gbtWndowSize = 1
GXDLMSLongTransaction.setData = lambda self, data: setattr(self, "data", data)

KINDS = {
    "u8": DataType.UINT8,
    "u16": DataType.UINT16,
    "i32": DataType.INT32,
    "u32": DataType.UINT32,
    "u64": DataType.UINT64,
    "f32": DataType.FLOAT32,
    "f64": DataType.FLOAT64,
    "null": DataType.NONE,
}
CLASSES = {1: GXDLMSData, 3: GXDLMSRegister, 4: GXDLMSExtendedRegister}


class Reply(GXServerReply):
    def setReply(self, value):
        self.reply = value.array() if isinstance(value, GXByteBuffer) else value

    def getConnectionInfo(self):
        return self.connectionInfo


class Meter(GXDLMSServer):
    def __init__(self, kind, meter):
        super().__init__(True, kind)
        self.meter = meter
        self.settings.maxServerPDUSize = meter["pdu"]
        if kind == InterfaceType.HDLC:
            # It reads the same settings by two names each.
            self.hdlc = SimpleNamespace(
                maxInfoTX=128, maxInfoRX=128, windowSizeTX=1, windowSizeRX=1, inactivityTimeout=0,
                maximumInfoLengthReceive=128, maximumInfoLengthTransmit=128,
                windowSizeReceive=1, windowSizeTransmit=1,
            )
            self.settings.hdlc.update = lambda _: None
        association = GXDLMSAssociationLogicalName()
        # The server would put its list of objects into its own, which refuses it.
        association.objectList.append(association)
        self.items.append(association)
        name = GXDLMSData("0.0.42.0.0.255")
        name.value = bytearray(meter["name"].encode())
        name.setDataType(2, DataType.OCTET_STRING)
        self.items.append(name)
        clock = GXDLMSClock()
        clock.time = GXDateTime(datetime(2026, 9, 1, 0, 15))
        self.items.append(clock)
        for ln, (class_id, data_type, value, scaler, unit) in meter["registers"].items():
            register = CLASSES[class_id](ln)
            register.value = value
            register.setDataType(2, KINDS[data_type])
            if class_id != 1:
                register.scaler, register.unit = 10.0**scaler, unit
            self.items.append(register)
        self.add_profile(clock, meter["rows"])
        self.initialize()

    def add_profile(self, clock, rows):
        profile = GXDLMSProfileGeneric("1.0.99.1.0.255")
        profile.captureObjects.append((clock, GXDLMSCaptureObject(2, 0)))
        energy = self.items.findByLN(3, "1.0.1.8.0.255")
        if energy is not None:
            profile.captureObjects.append((energy, GXDLMSCaptureObject(2, 0)))
        for at, value in rows:
            profile.buffer.append([GXDateTime(datetime.fromisoformat(at)), value])
        profile.entriesInUse = profile.profileEntries = len(rows)
        profile.setDataType(7, DataType.UINT32)
        self.items.append(profile)

    def isTarget(self, serverAddress, clientAddress):
        return serverAddress == self.meter["server"] and clientAddress == self.meter["client"]

    def onValidateAuthentication(self, authentication, password):
        wanted = self.meter["password"]
        if wanted is None:
            return SourceDiagnostic.NONE
        if authentication == Authentication.NONE:
            return SourceDiagnostic.AUTHENTICATION_REQUIRED
        right = authentication == Authentication.LOW and bytes(password) == wanted.encode()
        return SourceDiagnostic.NONE if right else SourceDiagnostic.AUTHENTICATION_FAILURE

    def onFindObject(self, objectType, sn, ln):
        # Of an object that it does not know the server would say so under another invoke id.
        return GXDLMSRegister(ln)

    def onGetAttributeAccess(self, arg):
        return 1 if arg.target in self.items else 0

    def handleSnrmRequest(self, data):
        # The server puts the length of the parameters into the last of them.
        super().handleSnrmRequest(data)
        parameters = bytearray(self.replyData.array())
        parameters[2], parameters[-3] = len(parameters) - 3, 0
        self.replyData.clear()
        self.replyData.set(parameters)

    def onGetMethodAccess(self, arg):
        return 0

    def nothing(self, *_):
        pass

    onPreGet = onPostGet = onPreRead = onPostRead = onPreWrite = onPostWrite = nothing
    notifyRead = nothing
    onPreAction = onPostAction = onConnected = onInvalidConnection = onDisconnected = nothing

    def setTransaction(self, value):
        self.transaction = value

    def getTransaction(self):
        return self.transaction

    def answer(self, data, send):
        reply = Reply(bytearray(data))
        self.handleRequest(reply)
        if reply.reply:
            send(bytes(reply.reply))


def serve(kind, meter, receive, send):
    server = Meter(kind, meter)
    while data := receive():
        server.answer(data, send)


def main():
    framing, where, text = sys.argv[1:]
    kind = InterfaceType.HDLC if framing == "hdlc" else InterfaceType.WRAPPER
    meter = json.loads(text)
    if where != "-":
        port = os.open(where, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(port)
        print(where, flush=True)
        serve(kind, meter, lambda: os.read(port, 4096), lambda data: os.write(port, data))
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                serve(kind, meter, lambda: connection.recv(4096), connection.sendall)


main()
