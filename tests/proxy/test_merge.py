from __future__ import annotations

import mcp_types as types
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.proxy.merge import Listing, Route, merge

NAMES = ["x", "a_x", "b_x", "a_b_x", "sing"]


def tool(name, ours=False):
    meta = {"singsynth/server": "gpu"} if ours else None
    return types.Tool(name=name, input_schema={"type": "object"}, _meta=meta)


def names(catalogue):
    return [each.name for each in catalogue.tools]


def test_disjoint_names_stay_as_they_are():
    merged = merge({"a": Listing(tools=[tool("x")]), "b": Listing(tools=[tool("y")])})
    assert names(merged) == ["x", "y"]
    assert merged.tool_routes["y"] == Route("b", "y")
    assert merged.conflicts == []


def test_equal_names_are_namespaced_and_reported():
    merged = merge({"a": Listing(tools=[tool("x")]), "b": Listing(tools=[tool("x")])})
    assert names(merged) == ["a_x", "b_x"]
    assert merged.tool_routes["b_x"] == Route("b", "x")
    assert "x" in merged.conflicts[0]


def test_our_own_tool_keeps_its_name_beside_a_foreign_one():
    merged = merge({"other": Listing(tools=[tool("vocode")]), "gpu": Listing(tools=[tool("vocode", ours=True)])})
    assert names(merged) == ["other_vocode", "vocode"]
    assert merged.tool_routes["vocode"] == Route("gpu", "vocode")
    assert merged.stages == {"vocode": "gpu"}
    assert merged.conflicts


def test_a_name_of_the_proxys_own_is_never_taken():
    merged = merge({"other": Listing(tools=[tool("sing")])}, frozenset({"sing"}))
    assert names(merged) == ["other_sing"]
    assert "the proxy" in merged.conflicts[0]


def test_our_job_tools_are_absorbed_and_foreign_ones_are_not():
    ours = Listing(tools=[tool("get_job", ours=True), tool("vocode", ours=True)])
    merged = merge({"gpu": ours, "other": Listing(tools=[tool("get_job")])}, frozenset({"get_job"}))
    assert names(merged) == ["vocode", "other_get_job"]


def test_a_namespaced_name_avoids_names_that_are_taken():
    merged = merge({"a": Listing(tools=[tool("x"), tool("b_x")]), "b": Listing(tools=[tool("x")])})
    assert len(set(names(merged))) == len(merged.tools) == 3
    assert merged.tool_routes["b_x"] == Route("a", "b_x")


def test_equal_uris_go_to_the_first_and_equal_templates_to_all():
    resource = types.Resource(name="r", uri="note://1")
    template = types.ResourceTemplate(name="t", uri_template="note://{n}")
    listing = Listing(resources=[resource], templates=[template])
    merged = merge({"a": listing, "b": listing})
    assert len(merged.resources) == len(merged.templates) == 1
    assert merged.resource_routes == {"note://1": "a"}
    assert merged.template_routes == {"note://{n}": ["a", "b"]}
    assert merged.conflicts


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "a_b"]),
        st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), unique_by=lambda offer: offer[0]),
    )
)
def test_nothing_is_lost_and_nothing_is_shadowed(offers):
    listings = {up: Listing(tools=[tool(name, ours) for name, ours in tools]) for up, tools in offers.items()}
    merged = merge(listings, frozenset({"sing"}))
    assert len(set(names(merged))) == len(merged.tools) == sum(map(len, offers.values()))
    assert {(r.upstream, r.name) for r in merged.tool_routes.values()} == {
        (up, name) for up, tools in offers.items() for name, _ in tools
    }
    assert "sing" not in names(merged)
