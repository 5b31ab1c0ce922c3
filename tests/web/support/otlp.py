"""Holds OTLP's JSON against the official protobuf definitions, unknown fields rejected.

stdin: lines of {"path": "/v1/traces", "body": TEXT}. stdout: for each line `null`, or what is wrong.
"""

import base64
import json
import re
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


def wrong(path: str, body: str) -> str | None:
    """What is wrong with a request."""
    try:
        request = json_format.Parse(body, REQUESTS[path](), ignore_unknown_fields=False)
    except json_format.ParseError as error:
        return str(error)
    if path == "/v1/traces":
        for resource in request.resource_spans:
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                # OTLP has ids in hexadecimal where protobuf's JSON has base64: undone, they are what was written.
                for name, digits, value in (("traceId", 32, span.trace_id), ("spanId", 16, span.span_id)):
                    written = base64.b64encode(value).decode()
                    if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", written):
                        return f"{name} is not {digits} hexadecimal digits: {written}"
                if span.end_time_unix_nano < span.start_time_unix_nano:
                    return "a span ends before it starts"
    else:
        for resource in request.resource_metrics:
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in metric.histogram.data_points:
                    if sum(point.bucket_counts) != point.count or len(point.bucket_counts) != len(point.explicit_bounds) + 1:
                        return f"{metric.name}: its buckets do not add up"
    return None


for line in sys.stdin:
    given = json.loads(line)
    print(json.dumps(wrong(given["path"], given["body"])), flush=True)
