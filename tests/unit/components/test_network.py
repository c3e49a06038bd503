import ipaddress
from collections.abc import Callable
from functools import cache

import pytest

from components import Network, NetworkArgs
from components.network import subnet_cidrs
from planning import NatGateways
from tests.support.recording import Recording

ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]


@pytest.fixture(scope="module")
def network(built: Callable[..., Recording]) -> Callable[[NatGateways], Recording]:
    def build(nat: NatGateways) -> Recording:
        args = NetworkArgs(
            region="eu-west-1", cidr="10.60.0.0/16", availability_zones=ZONES, nat_gateways=nat
        )
        return built(lambda opts: Network("net", args, opts))

    return cache(build)


def test_every_zone_gets_a_public_and_a_private_subnet(network: Callable[[NatGateways], Recording]) -> None:
    subnets = network(NatGateways.SINGLE).of_type("aws:ec2/subnet:Subnet")
    assert sorted((s.name, s.inputs["availabilityZone"]) for s in subnets) == sorted(
        (f"net-{kind}-{zone}", zone) for kind in ("public", "private") for zone in ZONES
    )
    assert all(subnet.inputs["mapPublicIpOnLaunch"] is False for subnet in subnets)


def test_load_balancers_find_their_subnets_by_tag(network: Callable[[NatGateways], Recording]) -> None:
    tags = {s.name: s.inputs["tags"] for s in network(NatGateways.SINGLE).of_type("aws:ec2/subnet:Subnet")}
    assert tags["net-public-eu-west-1a"]["kubernetes.io/role/elb"] == "1"
    assert tags["net-private-eu-west-1a"]["kubernetes.io/role/internal-elb"] == "1"


@pytest.mark.parametrize(("nat", "gateways"), [(NatGateways.SINGLE, 1), (NatGateways.PER_ZONE, 3)])
def test_every_private_subnet_leaves_through_nat_in_its_zone_where_there_is_one(
    network: Callable[[NatGateways], Recording], nat: NatGateways, gateways: int
) -> None:
    recording = network(nat)
    assert len(recording.of_type("aws:ec2/natGateway:NatGateway")) == gateways
    routes = [r for r in recording.of_type("aws:ec2/route:Route") if "natGatewayId" in r.inputs]
    assert len(routes) == len(ZONES)
    assert len({route.inputs["natGatewayId"] for route in routes}) == gateways


def test_nat_waits_for_the_route_to_the_internet(network: Callable[[NatGateways], Recording]) -> None:
    recording = network(NatGateways.SINGLE)
    nat = recording.one("aws:ec2/natGateway:NatGateway")
    assert recording.one("aws:ec2/route:Route", "net-public-internet").urn in nat.dependencies


def test_s3_is_reached_from_every_private_subnet_without_nat(
    network: Callable[[NatGateways], Recording],
) -> None:
    endpoint = network(NatGateways.SINGLE).one("aws:ec2/vpcEndpoint:VpcEndpoint").inputs
    assert (endpoint["serviceName"], endpoint["vpcEndpointType"]) == ("com.amazonaws.eu-west-1.s3", "Gateway")
    assert sorted(endpoint["routeTableIds"]) == [f"net-private-{zone}-id" for zone in ZONES]


def test_changing_the_nat_mode_replaces_no_route_table(network: Callable[[NatGateways], Recording]) -> None:
    single, per_zone = network(NatGateways.SINGLE), network(NatGateways.PER_ZONE)
    assert {r.urn for r in single.resources} <= {r.urn for r in per_zone.resources}


def test_a_further_zone_moves_no_existing_range() -> None:
    assert subnet_cidrs("10.60.0.0/16", 3)[:2] == subnet_cidrs("10.60.0.0/16", 2)


def test_ranges_never_overlap_and_stay_within_the_vpc() -> None:
    ranges = [
        ipaddress.ip_network(cidr)
        for pair in subnet_cidrs("10.60.0.0/16", 8)
        for cidr in (pair.public, pair.private)
    ]
    vpc = ipaddress.ip_network("10.60.0.0/16")
    assert sum(network.num_addresses for network in set(ranges)) == vpc.num_addresses


@pytest.mark.parametrize("zones", [0, 9])
def test_more_zones_than_ranges_are_refused(zones: int) -> None:
    with pytest.raises(ValueError, match="1 to 8"):
        subnet_cidrs("10.60.0.0/16", zones)
