"""Decodes telegrams with pyMeterBus for a test: a line of hex in, a line of JSON out.

A record is [storage, tariff, device, function, unit, value]; a value is the exact decimal of the float that it is there.
"""

import json
import sys
from decimal import Decimal

import meterbus


def described(record):
    told = record.interpreted
    value = told["value"]
    if isinstance(value, float):
        value = Decimal(value)
    return [
        told.get("storage_number") or 0,
        told.get("tariff") or 0,
        told.get("device") or 0,
        told["function"].split(".")[-1],
        told["unit"].split(".")[-1],
        format(value, "f") if isinstance(value, (int, Decimal)) else str(value),
    ]


for line in sys.stdin:
    telegram = meterbus.load(bytes.fromhex(line))
    header = telegram.body.bodyHeader.interpreted
    records = [described(record) for record in telegram.records if len(record.vib.parts) > 0]
    print(json.dumps({"address": telegram.header.aField.parts[0], "header": header, "records": records}))
