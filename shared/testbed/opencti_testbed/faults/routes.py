"""The API that orders faults: `/testbed/faults`."""

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opencti_testbed.admin import json_response
from opencti_testbed.faults.rules import Fault, Faults


def routes(faults: Faults) -> list[Route]:
    """Return the routes; whoever calls guards them with the token."""

    async def listed(_: Request) -> Response:
        return json_response(faults.listed())

    async def add(request: Request) -> Response:
        try:
            fault = Fault.model_validate(orjson.loads(await request.body()))
        except (orjson.JSONDecodeError, ValidationError) as error:
            wrong = (
                [
                    f"{'.'.join(map(str, e['loc'])) or 'fault'}: {e['msg']}"
                    for e in error.errors()
                ]
                if isinstance(error, ValidationError)
                else ["Send JSON"]
            )
            return json_response({"error": "; ".join(wrong)}, 400)
        faults.add(fault)
        return json_response(fault.model_dump(mode="json"), 201)

    async def remove(request: Request) -> Response:
        fault_id = request.path_params.get("fault_id")
        gone = faults.remove(fault_id)
        if fault_id and not gone:
            return json_response({"error": f"There is no fault {fault_id}"}, 404)
        return json_response({"removed": gone})

    return [
        Route("/testbed/faults", listed, methods=["GET"]),
        Route("/testbed/faults", add, methods=["POST"]),
        Route("/testbed/faults", remove, methods=["DELETE"]),
        Route("/testbed/faults/{fault_id}", remove, methods=["DELETE"]),
    ]
