// Lambda's Node.js runtime as a handler sees it: finds the handler that _HANDLER
// names below LAMBDA_TASK_ROOT, and runs one invocation after the other from the
// Runtime API at AWS_LAMBDA_RUNTIME_API. How a handler is found, when it is done
// and what its errors look like follows AWS's aws-lambda-nodejs-runtime-interface-
// client: version 3 up to Node.js 22, version 4 from 24.
//
// Beyond Lambda's own variables it heeds BOOTSTRAP_HOSTS, a comma list of
// NAME=HOST:PORT: connections to NAME go there (see redirect).
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const { inspect } = require('node:util');

const env = process.env;
const api = new URL(`http://${env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/`);
const root = env.LAMBDA_TASK_ROOT;
// The version that the template asks for; what runs is the machine's.
const runtime = parseInt(/^AWS_Lambda_nodejs(\d+)/.exec(env.AWS_EXECUTION_ENV)?.[1] ?? '20', 10);
// From this version on a handler cannot call back (AWS compute blog, "Node.js 24").
const promisesOnly = runtime >= 24;

// Handlers may replace what they find; these are ours.
const { request } = http;
const { stringify, parse } = JSON;
const exit = process.exit.bind(process);
const isOurs = (error) => String(error?.name).startsWith('Runtime.');
const complain = (what, error) => process.stderr.write(`${what} ${isOurs(error) ? error.stack : inspect(error)}\n`);

// One connection, kept: a handler that waits for nothing else has an empty event
// loop, for a connection that is not in use does not count.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, where, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const sent = request(new URL(where, api), { method, agent, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

// Errors -------------------------------------------------------------------

// runtimeError is an error that Lambda itself gives a name. Where it came from is
// of interest only if stack says where in the function that was.
function runtimeError(name, message, stack = '') {
  const error = new Error(message);
  error.name = `Runtime.${name}`;
  error.stack = `${error.name}: ${message}${stack && `\n${stack}`}`;
  return error;
}

function isError(value) {
  return value instanceof Error || ['name', 'message', 'stack'].every((k) => value && value[k] && typeof value[k] === 'string');
}

// asObject is what Lambda's callers get to see of an error.
function asObject(error) {
  try {
    if (isError(error)) {
      return { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return { errorType: 'handled', errorMessage: 'the error has no readable name, message and stack', trace: [] };
  }
}

// report posts an error to where belongs what is going on: the start or an
// invocation.
let report = (error) => call('POST', 'init/error', stringify(asObject(error)));

async function die(what, error, code) {
  complain(what, error);
  await report(error).catch(() => {});
  exit(code);
}

// The handler ----------------------------------------------------------------

// load finds the handler: NAME.PROPERTY, with folders before and further
// properties behind.
async function load(name) {
  if (name.includes('..')) {
    throw runtimeError('MalformedHandlerName', `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(name);
  const [, file, properties] = /^([^.]*)\.(.*)$/.exec(base) ?? [];
  if (file === undefined) {
    throw runtimeError('MalformedHandlerName', 'Bad handler');
  }
  const folder = path.resolve(root, name.slice(0, name.indexOf(base)));
  const module = await loadModule(folder, file);
  const find = (from) => properties.split('.').reduce((value, key) => value?.[key], from);
  const handler = find(module) ?? (promisesOnly ? find(module?.default) : undefined);
  if (!handler) {
    throw runtimeError('HandlerNotFound', `${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') {
    throw runtimeError('HandlerNotFound', `${name} is not a function`);
  }
  if (promisesOnly && handler.length >= 3) {
    throw runtimeError('CallbackHandlerDeprecated', 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later.');
  }
  return handler;
}

async function loadModule(folder, file) {
  const local = createRequire(path.join(folder, 'bootstrap'));
  const at = (suffix) => {
    const full = path.join(folder, file + suffix);
    return fs.statSync(full, { throwIfNoEntry: false })?.isFile() ? full : undefined;
  };
  const plain = at('') ?? at('.js');
  useEndpoints(local);
  try {
    if (plain && !(plain.endsWith('.js') && isModule(folder))) {
      return local(plain);
    }
    const module = plain ?? at('.mjs');
    if (module) {
      return await import(pathToFileURL(module));
    }
    return local(at('.cjs') ?? local.resolve(file, { paths: [root, folder] }));
  } catch (error) {
    if (error instanceof SyntaxError) {
      const stack = String(error.stack);
      const where = stack.startsWith(error.name) ? whereSyntax(plain ?? at('.mjs')) : '';
      throw runtimeError('UserCodeSyntaxError', String(error), where ? `${where}\n${stack}` : stack);
    }
    if (error?.code === 'MODULE_NOT_FOUND') {
      throw runtimeError('ImportModuleError', String(error));
    }
    throw error;
  }
}

// whereSyntax finds file, line and source of a syntax error in an ES module, which
// the error itself does not know: node checks the module, and those it imports by a
// relative path, and runs nothing. It is '' if none of the first fifty is wrong.
function whereSyntax(file, seen = new Set()) {
  if (!file || seen.has(file) || seen.size === 50 || !fs.statSync(file, { throwIfNoEntry: false })?.isFile()) {
    return '';
  }
  seen.add(file);
  const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  if (status !== 0) {
    return String(stderr).split('\n\n')[0];
  }
  for (const [, , imported] of fs.readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*(['"])(\.[^'"]*)\1/g)) {
    const where = whereSyntax(path.resolve(path.dirname(file), imported), seen);
    if (where) {
      return where;
    }
  }
  return '';
}

// isModule says whether .js files in a folder are ES modules: the nearest
// package.json decides.
function isModule(folder) {
  for (let at = folder; !at.endsWith(`${path.sep}node_modules`); at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (fs.existsSync(file)) {
      const is = parse(fs.readFileSync(file, 'utf8')).type === 'module';
      if (is && path.relative(root, at).startsWith('..')) {
        process.stderr.write(`${file} makes .js files ES modules here, but it is no part of the function on Lambda: put a package.json into ${root}\n`);
      }
      return is;
    }
    if (at === path.dirname(at)) {
      break;
    }
  }
  return false;
}

// Where things are here ------------------------------------------------------

// useEndpoints tells version 2 of the AWS SDK, where a handler has it, what newer
// SDKs read from AWS_ENDPOINT_URL… by themselves. What a program says in its own
// code still wins.
function useEndpoints(local) {
  let sdk;
  try {
    sdk = local('aws-sdk/global');
  } catch {
    return; // most have it no more
  }
  for (const [name, endpoint] of Object.entries(env)) {
    const service = /^AWS_ENDPOINT_URL_(\w+)$/.exec(name)?.[1].replaceAll('_', '').toLowerCase();
    if (service && endpoint) {
      sdk.config[service] = { endpoint, ...sdk.config[service] };
    }
  }
  if (env.AWS_ENDPOINT_URL) {
    sdk.config.update({ endpoint: env.AWS_ENDPOINT_URL });
    sdk.config.s3 = { s3ForcePathStyle: true, ...sdk.config.s3 }; // else the bucket is a name before the endpoint's
  }
}

// redirect lets programs reach an API under the name it has on AWS, which they
// build from its id and region: to a host of BOOTSTRAP_HOSTS the connection is made
// elsewhere. TLS still asks for the name.
function redirect() {
  const hosts = new Map((env.BOOTSTRAP_HOSTS ?? '').split(',').filter(Boolean).map((pair) => pair.split('=')));
  if (hosts.size === 0) {
    return;
  }
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (...args) {
    const normalized = Array.isArray(args[0]) ? args[0] : args; // net's own callers pass one list
    const target = hosts.get(normalized[0]?.host);
    if (target) {
      const [, host, port] = /^(.*):(\d+)$/.exec(target);
      normalized[0] = { ...normalized[0], host, port: Number(port) };
    }
    return connect.apply(this, args);
  };
}

// Invocations ------------------------------------------------------------------

function contextOf(headers) {
  const header = (name) => headers[`lambda-runtime-${name}`];
  const object = (name) => (header(name) === undefined ? undefined : parse(header(name)));
  const deadline = Number(header('deadline-ms'));
  return {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: object('client-context'),
    identity: object('cognito-identity'),
    invokedFunctionArn: header('invoked-function-arn'),
    awsRequestId: header('aws-request-id'),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

// whenIdle runs when the event loop is empty while a handler is at work.
let whenIdle = () => {};
process.on('beforeExit', () => whenIdle());

// invoke runs the handler once. It settles with what to post: by the handler's
// promise, its callback, context.done and its like, or its event loop running
// empty; the first of them counts.
function invoke(handler, event, context) {
  return new Promise((resolve, reject) => {
    const succeed = (result) => resolve(result);
    const fail = (error) => reject(error ?? 'handled');
    const done = (error, result) => (error === undefined || error === null ? succeed(result) : reject(error));
    let called = false;
    const callback = (error, result) => {
      if (called) {
        return;
      }
      called = true;
      if (error !== undefined && error !== null) {
        reject(error);
      } else if (context.callbackWaitsForEmptyEventLoop) {
        whenIdle = () => succeed(result);
      } else {
        succeed(result);
      }
    };
    whenIdle = () => {
      if (handler.constructor.name === 'AsyncFunction') {
        reject(runtimeError('NodeJsExit', 'the handler waits for a promise that nothing will settle'));
      } else {
        succeed(null); // it never called back
      }
    };
    if (!promisesOnly) {
      Object.assign(context, { callbackWaitsForEmptyEventLoop: true, succeed, fail, done });
    }
    const result = promisesOnly ? handler(event, context) : handler(event, context, callback);
    if (typeof result?.then === 'function') {
      result.then(succeed, fail);
    } else if (promisesOnly) {
      succeed(result);
    }
  }).finally(() => {
    whenIdle = () => {};
  });
}

function encode(result) {
  try {
    return stringify(result === undefined ? null : result) ?? 'null';
  } catch {
    throw new Error('Unable to stringify response body');
  }
}

async function serveOne(handler) {
  const { status, headers, body } = await call('GET', 'invocation/next');
  if (status !== 200) {
    exit(1); // this process is not wanted any more
  }
  const id = headers['lambda-runtime-aws-request-id'];
  if (headers['lambda-runtime-trace-id']) {
    env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  }
  report = (error) => call('POST', `invocation/${id}/error`, stringify(asObject(error)));
  try {
    const result = encode(await invoke(handler, parse(body), contextOf(headers)));
    await call('POST', `invocation/${id}/response`, result);
  } catch (error) {
    complain('Invoke Error', error);
    await report(error);
  }
}

async function main() {
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129));
  process.on('unhandledRejection', (reason) =>
    die('Unhandled Promise Rejection', runtimeError('UnhandledPromiseRejection', String(reason), reason?.stack), 128));
  redirect();
  let handler;
  try {
    handler = await load(env._HANDLER);
  } catch (error) {
    await die('Init Error', error, 129);
  }
  for (;;) {
    await serveOne(handler).catch(() => exit(1)); // the Runtime API is gone
  }
}

main();
