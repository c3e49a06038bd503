"""The provider's functions that the emulation answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from plugin_server.provider import ProviderError
from plugin_server.values import Properties
from sandbox.aws.calls import ACCOUNT_PARTITION, Call


def answer(call: Call, token: str, arguments: Properties) -> Properties:
    """The result of a function.

    Raises:
        ProviderError: the emulation does not know it.
    """
    function = INVOKES.get(token)
    if function is None:
        raise ProviderError(
            f"the emulated AWS does not know the function {token}; it knows {', '.join(sorted(INVOKES))}"
        )
    return function(call, arguments)


def _caller_identity(call: Call, _: Properties) -> Properties:
    identity = call.aws("sts", "get_caller_identity")
    return {
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "id": identity["Account"],
        "userId": identity["UserId"],
    }


def _partition(_call: Call, _: Properties) -> Properties:
    return {
        "dnsSuffix": "amazonaws.com",
        "id": ACCOUNT_PARTITION,
        "partition": ACCOUNT_PARTITION,
        "reverseDnsPrefix": "com.amazonaws",
    }


def _region(call: Call, arguments: Properties) -> Properties:
    name = arguments.get("name") or call.region
    regions = call.aws("ec2", "describe_regions", RegionNames=[name])["Regions"]
    return {
        "description": name,
        "endpoint": regions[0]["Endpoint"],
        "id": name,
        "name": name,
        "region": name,
    }


def _availability_zones(call: Call, arguments: Properties) -> Properties:
    zones = call.aws("ec2", "describe_availability_zones")["AvailabilityZones"]
    state = arguments.get("state")
    excluded = {*arguments.get("excludeNames", []), *arguments.get("excludeZoneIds", [])}
    chosen = sorted(
        (zone["ZoneName"], zone["ZoneId"])
        for zone in zones
        if state in (None, zone["State"]) and not excluded & {zone["ZoneName"], zone["ZoneId"]}
    )
    return {
        **arguments,
        "groupNames": [call.region],
        "id": call.region,
        "names": [name for name, _ in chosen],
        "region": call.region,
        "zoneIds": [zone_id for _, zone_id in chosen],
    }


def _instance_type(call: Call, arguments: Properties) -> Properties:
    name = arguments["instanceType"]
    found = call.aws("ec2", "describe_instance_types", InstanceTypes=[name])["InstanceTypes"][0]
    gpus = found.get("GpuInfo", {}).get("Gpus", [])
    return {
        "bareMetal": found.get("BareMetal", False),
        "currentGeneration": found.get("CurrentGeneration", False),
        "defaultCores": found["VCpuInfo"].get("DefaultCores"),
        "defaultVcpus": found["VCpuInfo"]["DefaultVCpus"],
        "gpuses": [
            {
                "count": gpu["Count"],
                "manufacturer": gpu["Manufacturer"],
                "memorySize": gpu["MemoryInfo"]["SizeInMiB"],
                "name": gpu["Name"],
            }
            for gpu in gpus
        ],
        "id": name,
        "instanceType": name,
        "maximumIpv4AddressesPerInterface": found["NetworkInfo"].get("Ipv4AddressesPerInterface"),
        "maximumNetworkInterfaces": found["NetworkInfo"].get("MaximumNetworkInterfaces"),
        "memorySize": found["MemoryInfo"]["SizeInMiB"],
        "region": call.region,
        "supportedArchitectures": found["ProcessorInfo"].get("SupportedArchitectures"),
        "totalGpuMemory": found.get("GpuInfo", {}).get("TotalGpuMemoryInMiB", 0),
    }


INVOKES: Final[Mapping[str, Callable[[Call, Properties], Properties]]] = {
    "aws:ec2/getInstanceType:getInstanceType": _instance_type,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
}
