"""A VPC with one public and one private subnet per availability zone.

Nodes live in the private subnets and leave through NAT; S3 traffic, which is nearly all of it (model
weights), takes the gateway endpoint and costs nothing. Zones come as a plain list, never from a lookup: an
account's zones may change, and with them the subnets' numbers.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from planning import NatGateways

_SUBNET_BITS = 4
"""A /16 is cut into sixteen /20: eight zones at most, 4,091 addresses each, and one per pod."""
_MAX_ZONES = 2 ** (_SUBNET_BITS - 1)


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What the network is made of."""

    region: str
    cidr: str
    """Of the VPC; a /16 leaves room for pods, which have VPC addresses."""
    availability_zones: Sequence[str]
    """In the order that numbers the subnets: append, never reorder. EKS demands at least two."""
    nat_gateways: NatGateways


@dataclass(frozen=True, kw_only=True)
class SubnetCidrs:
    """The address ranges of one zone."""

    public: str
    private: str


def subnet_cidrs(cidr: str, zones: int) -> tuple[SubnetCidrs, ...]:
    """Cut a VPC's range: public ranges from its lower half, private ones from its upper half.

    Adding a zone moves no existing range. Raises ValueError outside 1 to 8 zones.
    """
    if not 1 <= zones <= _MAX_ZONES:
        raise ValueError(f"{zones} availability zones; a network has 1 to {_MAX_ZONES}")
    ranges = [str(subnet) for subnet in ipaddress.ip_network(cidr).subnets(prefixlen_diff=_SUBNET_BITS)]
    return tuple(SubnetCidrs(public=ranges[i], private=ranges[_MAX_ZONES + i]) for i in range(zones))


class Network(pulumi.ComponentResource):
    """VPC, subnets, routes, NAT and the S3 gateway endpoint."""

    vpc_id: pulumi.Output[str]
    private_subnet_ids: list[pulumi.Output[str]]
    public_subnet_ids: list[pulumi.Output[str]]
    egress: tuple[pulumi.Resource, ...]
    """What private subnets reach the internet by. Nodes depend on it: without it they cannot join when created, nor
    drain when everything is destroyed."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:network:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._name = name
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": f"{name}-vpc"},
            opts=child,
        )
        gateway = aws.ec2.InternetGateway(
            f"{name}-internet", vpc_id=vpc.id, tags={"Name": f"{name}-internet"}, opts=child
        )
        public_table = aws.ec2.RouteTable(
            f"{name}-public", vpc_id=vpc.id, tags={"Name": f"{name}-public"}, opts=child
        )
        public_route = aws.ec2.Route(
            f"{name}-public-internet",
            route_table_id=public_table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        cidrs = subnet_cidrs(args.cidr, len(args.availability_zones))
        public: list[aws.ec2.Subnet] = []
        private: list[aws.ec2.Subnet] = []
        tables: list[aws.ec2.RouteTable] = []
        associations: list[pulumi.Resource] = []
        for zone, ranges in zip(args.availability_zones, cidrs, strict=True):
            public.append(self._subnet("public", zone, ranges.public, vpc, "kubernetes.io/role/elb"))
            private.append(
                self._subnet("private", zone, ranges.private, vpc, "kubernetes.io/role/internal-elb")
            )
            aws.ec2.RouteTableAssociation(
                f"{name}-public-{zone}", subnet_id=public[-1].id, route_table_id=public_table.id, opts=child
            )
            # A table per zone even with one NAT gateway: changing the mode then changes routes alone.
            table = aws.ec2.RouteTable(
                f"{name}-private-{zone}", vpc_id=vpc.id, tags={"Name": f"{name}-private-{zone}"}, opts=child
            )
            tables.append(table)
            associations.append(
                aws.ec2.RouteTableAssociation(
                    f"{name}-private-{zone}", subnet_id=private[-1].id, route_table_id=table.id, opts=child
                )
            )
        routes = self._nat_routes(args, public, tables, public_route)
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            tags={"Name": f"{name}-s3"},
            opts=child,
        )
        self.egress = (*associations, *routes)
        self.vpc_id = vpc.id
        self.private_subnet_ids = [subnet.id for subnet in private]
        self.public_subnet_ids = [subnet.id for subnet in public]
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "privateSubnetIds": self.private_subnet_ids,
                "publicSubnetIds": self.public_subnet_ids,
            }
        )

    def _subnet(
        self, kind: str, zone: str, cidr: str, vpc: aws.ec2.Vpc, load_balancer_tag: str
    ) -> aws.ec2.Subnet:
        name = f"{self._name}-{kind}-{zone}"
        return aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags={"Name": name, load_balancer_tag: "1"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _nat_routes(
        self,
        args: NetworkArgs,
        public: list[aws.ec2.Subnet],
        tables: list[aws.ec2.RouteTable],
        public_route: aws.ec2.Route,
    ) -> list[aws.ec2.Route]:
        child = pulumi.ResourceOptions(parent=self)
        with_gateway = (
            args.availability_zones
            if args.nat_gateways is NatGateways.PER_ZONE
            else args.availability_zones[:1]
        )
        gateways: list[aws.ec2.NatGateway] = []
        for zone, subnet in zip(with_gateway, public, strict=False):
            name = f"{self._name}-nat-{zone}"
            address = aws.ec2.Eip(name, domain="vpc", tags={"Name": name}, opts=child)
            gateways.append(
                aws.ec2.NatGateway(
                    name,
                    allocation_id=address.id,
                    subnet_id=subnet.id,
                    tags={"Name": name},
                    # EC2 refuses a public NAT gateway whose subnet has no way to the internet yet.
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[public_route]),
                )
            )
        return [
            aws.ec2.Route(
                f"{self._name}-private-{zone}-internet",
                route_table_id=table.id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=gateways[min(index, len(gateways) - 1)].id,
                opts=child,
            )
            for index, (zone, table) in enumerate(zip(args.availability_zones, tables, strict=True))
        ]
