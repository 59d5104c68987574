'use strict';
// Runs the interoperability cases with grpc-js and prints one line of JSON per case: {"case", "fault"} (fault null if it passed).
// Argument: JSON with the addresses plain, tls, mutualTls, expired, otherName, feast and feastMutualTls, the folders certificates,
// interopProtos and feastProtos, and the file descriptors, a FileDescriptorSet with health and reflection.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http2 = require('node:http2');
const path = require('node:path');
const zlib = require('node:zlib');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const setup = JSON.parse(process.argv[2]);
const options = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };
const testing = grpc.loadPackageDefinition(loader.loadSync(path.join(setup.interopProtos, 'interop.proto'), options)).grpc.testing;
const feast = grpc.loadPackageDefinition(
  loader.loadSync('feast/serving/ServingService.proto', { ...options, includeDirs: [setup.feastProtos] })).feast.serving;

const described = grpc.loadPackageDefinition(loader.loadFileDescriptorSetFromBuffer(fs.readFileSync(setup.descriptors), options)).grpc;

const insecure = grpc.credentials.createInsecure();
const client = new testing.TestService(setup.plain, insecure);
const SPECIAL = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1F608}\t\n';
const LONG_MS = 30_000;

const deadline = (ms = LONG_MS) => ({ deadline: Date.now() + ms });
const unary = (stub, method, request, metadata = new grpc.Metadata(), callOptions = deadline()) => new Promise((resolve) => {
  const seen = {};
  const call = stub[method](request, metadata, callOptions, (error, response) => Object.assign(seen, { error, response }));
  call.on('metadata', (m) => { seen.initial = m; });
  call.on('status', (status) => setImmediate(() => resolve({ ...seen, status })));
});
const drain = (call) => new Promise((resolve) => {
  const seen = { sizes: [] };
  call.on('data', (m) => seen.sizes.push(m.payload.body.length));
  call.on('metadata', (m) => { seen.initial = m; });
  call.on('error', () => {});
  call.on('status', (status) => setImmediate(() => resolve({ ...seen, status })));
});
const zeros = (size) => ({ body: Buffer.alloc(size) });
const sized = (...sizes) => sizes.map((size) => ({ size }));
const refused = (answer, code, text) => {
  assert.equal(answer.status.code, code, answer.status.details);
  if (text !== undefined) assert.ok(answer.status.details.includes(text), answer.status.details);
};
const succeeded = (answer) => assert.equal(answer.status.code, grpc.status.OK, answer.status.details);

// grpc-js hides how an answer was encoded, so this one reads the frames themselves.
const rawUnary = (request, headers) => new Promise((resolve, reject) => {
  const session = http2.connect(`http://${setup.plain}`);
  session.on('error', reject);
  const stream = session.request({
    ':method': 'POST', ':path': '/grpc.testing.TestService/UnaryCall', 'content-type': 'application/grpc', te: 'trailers', ...headers,
  });
  const seen = { chunks: [] };
  stream.on('response', (h) => { seen.headers = h; });
  stream.on('trailers', (t) => { seen.trailers = t; });
  stream.on('data', (c) => seen.chunks.push(c));
  stream.on('error', reject);
  stream.on('end', () => { session.close(); resolve({ ...seen, body: Buffer.concat(seen.chunks) }); });
  const body = testing.TestService.service.UnaryCall.requestSerialize(request);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(body.length, 1);
  stream.end(Buffer.concat([frame, body]));
});

const secure = (root, key, certificate) => {
  const read = (name) => (name ? fs.readFileSync(path.join(setup.certificates, name)) : null);
  return grpc.credentials.createSsl(read(root), read(key), read(certificate));
};
const secureStub = (address, root, key, certificate) => new testing.TestService(address, secure(root, key, certificate));
const shutOut = (answer) => assert.ok(
  [grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED].includes(answer.status.code), `${answer.status.code} ${answer.status.details}`);
// One question of a stream, and the first answer to it.
const first = (call, request) => new Promise((resolve, reject) => {
  call.once('data', (m) => { resolve(m); call.cancel(); });
  call.on('error', reject);
  if (request) call.write(request);
});
const reflect = async (version) => {
  const Reflection = described.reflection[version].ServerReflection;
  const ask = (request) => first(new Reflection(setup.feast, insecure).ServerReflectionInfo(new grpc.Metadata(), deadline()), request);
  const { list_services_response: list } = await ask({ list_services: '' });
  const listed = list.service.map((s) => s.name);
  for (const name of ['GrpcFeatureServer', 'feast.serving.ServingService', 'grpc.health.v1.Health']) assert.ok(listed.includes(name), `${listed}`);
  const { file_descriptor_response: found } = await ask({ file_containing_symbol: 'feast.serving.ServingService' });
  assert.ok(found.file_descriptor_proto.some((f) => f.includes('GetOnlineFeatures')));
  const { error_response: unknown } = await ask({ file_containing_symbol: 'feast.nothing.Here' });
  assert.equal(unknown.error_code, grpc.status.NOT_FOUND);
};
const feastClient = () => new feast.ServingService(setup.feast, insecure);
const drivers = (...ids) => ({ driver_id: { val: ids.map((id) => ({ int64_val: id })) } });

const cases = {
  async empty_unary() { succeeded(await unary(client, 'EmptyCall', {})); },
  async large_unary() {
    const { response } = await unary(client, 'UnaryCall', { response_size: 314159, payload: zeros(271828) });
    assert.equal(response.payload.body.length, 314159);
    assert.ok(response.payload.body.every((b) => b === 0));
  },
  async client_streaming() {
    const answer = await new Promise((resolve, reject) => {
      const call = client.StreamingInputCall(new grpc.Metadata(), deadline(), (error, response) => (error ? reject(error) : resolve(response)));
      for (const size of [27182, 8, 1828, 45904]) call.write({ payload: zeros(size) });
      call.end();
    });
    assert.equal(answer.aggregated_payload_size, 74922);
  },
  async server_streaming() {
    const seen = await drain(client.StreamingOutputCall({ response_parameters: sized(31415, 9, 2653, 58979) }, new grpc.Metadata(), deadline()));
    assert.equal(seen.status.code, 0);
    assert.deepEqual(seen.sizes, [31415, 9, 2653, 58979]);
  },
  async ping_pong() {
    const requests = [27182, 8, 1828, 45904];
    const answers = [31415, 9, 2653, 58979];
    const call = client.FullDuplexCall(new grpc.Metadata(), deadline());
    const sizes = [];
    await new Promise((resolve, reject) => {
      const ping = () => (sizes.length === answers.length
        ? call.end()
        : call.write({ response_parameters: sized(answers[sizes.length]), payload: zeros(requests[sizes.length]) }));
      call.on('data', (m) => { sizes.push(m.payload.body.length); ping(); });
      call.on('error', reject);
      call.on('end', resolve);
      ping();
    });
    assert.deepEqual(sizes, answers);
  },
  async empty_stream() {
    const call = client.FullDuplexCall(new grpc.Metadata(), deadline());
    call.end();
    const seen = await drain(call);
    assert.equal(seen.status.code, 0);
    assert.deepEqual(seen.sizes, []);
  },
  async status_code_and_message() {
    const status = { code: 2, message: 'test status message' };
    const one = await unary(client, 'UnaryCall', { response_status: status });
    assert.equal(one.status.code, 2);
    assert.equal(one.status.details, status.message);
    const call = client.FullDuplexCall(new grpc.Metadata(), deadline());
    call.write({ response_status: status });
    call.end();
    const seen = await drain(call);
    assert.equal(seen.status.code, 2);
    assert.equal(seen.status.details, status.message);
  },
  async special_status_message() {
    const { status } = await unary(client, 'UnaryCall', { response_status: { code: 2, message: SPECIAL } });
    assert.equal(status.code, 2);
    assert.equal(status.details, SPECIAL);
  },
  async unimplemented_method() { refused(await unary(client, 'UnimplementedCall', {}), grpc.status.UNIMPLEMENTED); },
  async unimplemented_service() {
    refused(await unary(new testing.UnimplementedService(setup.plain, insecure), 'UnimplementedCall', {}), grpc.status.UNIMPLEMENTED);
  },
  async custom_metadata() {
    const metadata = new grpc.Metadata();
    const bytes = Buffer.from([0xab, 0xab, 0xab, 0x00, 0xff]);
    metadata.set('x-grpc-test-echo-initial', 'test_initial_metadata_value');
    metadata.set('x-grpc-test-echo-trailing-bin', bytes);
    const check = (seen) => {
      assert.deepEqual(seen.initial.get('x-grpc-test-echo-initial'), ['test_initial_metadata_value']);
      assert.deepEqual(seen.status.metadata.get('x-grpc-test-echo-trailing-bin'), [bytes]);
      assert.equal(seen.status.code, 0);
    };
    check(await unary(client, 'UnaryCall', { response_size: 10, payload: zeros(10) }, metadata));
    const call = client.FullDuplexCall(metadata, deadline());
    const seen = drain(call);
    call.write({ response_parameters: sized(7), payload: zeros(5) });
    call.end();
    check(await seen);
  },
  async timeout_on_sleeping_server() {
    const call = client.FullDuplexCall(new grpc.Metadata(), deadline(200));
    call.write({ response_parameters: [{ size: 1, interval_us: 60_000_000 }], payload: zeros(27182) });
    refused(await drain(call), grpc.status.DEADLINE_EXCEEDED);
  },
  async cancel_after_begin() {
    const status = await new Promise((resolve) => {
      const call = client.StreamingInputCall(new grpc.Metadata(), deadline(), () => {});
      call.on('status', resolve);
      call.write({ payload: zeros(1) }, () => call.cancel());
    });
    assert.equal(status.code, grpc.status.CANCELLED);
  },
  async cancel_after_first_response() {
    const call = client.FullDuplexCall(new grpc.Metadata(), deadline());
    const seen = drain(call);
    call.once('data', () => call.cancel());
    call.write({ response_parameters: sized(31415), payload: zeros(27182) });
    refused(await seen, grpc.status.CANCELLED);
  },
  async client_compressed_unary() {
    const zipped = new testing.TestService(setup.plain, insecure, { 'grpc.default_compression_algorithm': 2 });
    const request = { response_size: 314159, payload: zeros(271828) };
    refused(await unary(client, 'UnaryCall', { ...request, expect_compressed: { value: true } }), grpc.status.INVALID_ARGUMENT);
    const { response } = await unary(zipped, 'UnaryCall', { ...request, expect_compressed: { value: true } });
    assert.equal(response.payload.body.length, 314159);
    assert.equal((await unary(client, 'UnaryCall', { ...request, expect_compressed: { value: false } })).status.code, 0);
  },
  async server_compressed_unary() {
    const { response } = await unary(client, 'UnaryCall', { response_size: 314159, response_compressed: { value: true } });
    assert.equal(response.payload.body.length, 314159);
    const ask = (compressed, encodings) => rawUnary(
      { response_size: 314159, response_compressed: { value: compressed } }, encodings ? { 'grpc-accept-encoding': encodings } : {});
    const zipped = await ask(true, 'identity,gzip');
    assert.equal(zipped.trailers['grpc-status'], '0');
    assert.equal(zipped.headers['grpc-encoding'], 'gzip');
    assert.equal(zipped.body[0], 1);
    assert.ok(zipped.body.length < 10_000);
    assert.equal(testing.TestService.service.UnaryCall.responseDeserialize(zlib.gunzipSync(zipped.body.subarray(5))).payload.body.length, 314159);
    // Not wanted by the method, or not taken by the caller: the flag must be off.
    for (const plain of [await ask(false, 'identity,gzip'), await ask(true, null)]) {
      assert.equal(plain.trailers['grpc-status'], '0');
      assert.equal(plain.body[0], 0);
      assert.ok(plain.body.length > 314159);
    }
  },
  async server_compressed_streaming() {
    const response_parameters = [{ size: 31415, compressed: { value: true } }, { size: 92653, compressed: { value: false } }];
    const seen = await drain(client.StreamingOutputCall({ response_parameters }, new grpc.Metadata(), deadline()));
    assert.equal(seen.status.code, 0);
    assert.deepEqual(seen.sizes, [31415, 92653]);
  },
  async status_details() {
    const metadata = new grpc.Metadata();
    const details = Buffer.from([0x08, 0x09, 0x12, 0x00, 0xff]);
    metadata.set('x-grpc-test-echo-trailing-bin', details);
    const { status } = await unary(client, 'UnaryCall', { response_status: { code: 9, message: 'with details' } }, metadata);
    assert.equal(status.code, 9);
    assert.equal(status.details, 'with details');
    assert.deepEqual(status.metadata.get('grpc-status-details-bin'), [details]);
  },
  async tls() {
    succeeded(await unary(secureStub(setup.tls, 'root.pem'), 'EmptyCall', {}));
    for (const [address, root] of [[setup.tls, 'stranger.pem'], [setup.expired, 'root.pem'], [setup.otherName, 'root.pem']]) {
      refused(await unary(secureStub(address, root), 'EmptyCall', {}, new grpc.Metadata(), deadline(2000)), grpc.status.UNAVAILABLE);
    }
  },
  async mutual_tls() {
    succeeded(await unary(secureStub(setup.mutualTls, 'root.pem', 'client.key', 'client.pem'), 'EmptyCall', {}));
    shutOut(await unary(secureStub(setup.mutualTls, 'root.pem'), 'EmptyCall', {}, new grpc.Metadata(), deadline(2000)));
  },
  async feast_get_online_features() {
    const { error, response } = await unary(feastClient(), 'GetOnlineFeatures', { feature_service: 'drivers_v1', entities: drivers(1001, 1002, 9) });
    assert.equal(error, null);
    const names = response.metadata.feature_names.val;
    const column = (name) => response.results[names.indexOf(name)];
    assert.deepEqual(column('driver_id').values.map((v) => v.int64_val), [1001, 1002, 9]);
    assert.deepEqual(column('rating').statuses, ['PRESENT', 'NULL_VALUE', 'NOT_FOUND']);
    assert.equal(column('rating').values[0].double_val, 4.75);
    assert.equal(column('city').values[1].string_val, 'Zürich');
    assert.equal(column('city').event_timestamps[0].seconds, setup.eventSeconds);
  },
  async feast_references() {
    const request = { features: { val: ['drivers:city'] }, entities: drivers(1001), full_feature_names: true };
    const { response } = await unary(feastClient(), 'GetOnlineFeatures', request);
    assert.deepEqual(response.metadata.feature_names.val, ['driver_id', 'drivers__city']);
    assert.equal(response.results[1].values[0].string_val, 'Oslo');
  },
  async feast_serving_info() {
    const { response } = await unary(feastClient(), 'GetFeastServingInfo', {});
    assert.match(response.version, /^\d+\.\d+/);
  },
  async feast_errors() {
    const ask = (request) => unary(feastClient(), 'GetOnlineFeatures', request);
    refused(await ask({ feature_service: 'nope', entities: drivers(1) }), grpc.status.NOT_FOUND, 'drivers_v1');
    refused(await ask({ features: { val: ['drivers:nope'] }, entities: drivers(1) }), grpc.status.NOT_FOUND, 'drivers:nope');
    refused(await ask({ features: { val: ['drivers'] }, entities: drivers(1) }), grpc.status.INVALID_ARGUMENT, 'view:feature');
    refused(await ask({ feature_service: 'drivers_v1' }), grpc.status.INVALID_ARGUMENT);
  },
  async feast_error_details() {
    const { status } = await unary(feastClient(), 'GetOnlineFeatures', { features: { val: ['nowhere:x'] }, entities: drivers(1) });
    assert.equal(status.code, grpc.status.NOT_FOUND);
    const [details] = status.metadata.get('grpc-status-details-bin');
    for (const text of ['google.rpc.ErrorInfo', 'VIEW_NOT_FOUND', 'FeatureViewNotFoundException', 'nowhere:x']) assert.ok(details.includes(text), text);
  },
  async feast_mutual_tls() {
    const ask = (...names) => unary(
      new feast.ServingService(setup.feastMutualTls, secure(...names)), 'GetOnlineFeatures',
      { features: { val: ['drivers:city'] }, entities: drivers(1001) }, new grpc.Metadata(), deadline(names[2] === 'client.pem' ? LONG_MS : 2000));
    assert.equal((await ask('root.pem', 'client.key', 'client.pem')).response.results[1].values[0].string_val, 'Oslo');
    for (const names of [['root.pem'], ['root.pem', 'expired.key', 'expired.pem'], ['root.pem', 'foreign.key', 'foreign.pem']]) shutOut(await ask(...names));
  },
  async health_check() {
    const health = new described.health.v1.Health(setup.feast, insecure);
    for (const service of ['', 'feast.serving.ServingService', 'GrpcFeatureServer']) {
      assert.equal((await unary(health, 'Check', { service })).response.status, 'SERVING');
    }
    refused(await unary(health, 'Check', { service: 'nothing.Here' }), grpc.status.NOT_FOUND);
  },
  async health_watch() {
    const health = new described.health.v1.Health(setup.feast, insecure);
    assert.equal((await first(health.Watch({ service: '' }, new grpc.Metadata(), deadline()))).status, 'SERVING');
    assert.equal((await first(health.Watch({ service: 'nothing.Here' }, new grpc.Metadata(), deadline()))).status, 'SERVICE_UNKNOWN');
  },
  reflection_v1: () => reflect('v1'),
  reflection_v1alpha: () => reflect('v1alpha'),
};

(async () => {
  for (const [name, run] of Object.entries(cases)) {
    let fault = null;
    try {
      await run();
    } catch (error) {
      fault = `${error.stack ?? error}`;
    }
    process.stdout.write(`${JSON.stringify({ case: name, fault })}\n`);
  }
  process.exit(0);
})();
