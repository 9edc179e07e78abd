// The points of one active Sesh session on their way to R2: one Durable Object a session, named by its id.
//
// The application binds this class, checks who is asking, and calls `record`. The number of a point is that of its line.
import { Batches } from "./batches.js";

const POINTS = 10;

export class SessionPoints extends Batches {
  constructor(ctx, env) {
    super(ctx, env, { landing: env.LANDING, prefix: "sesh/points/", seconds: Number(env.FLUSH_SECONDS ?? 60), most: POINTS });
  }

  // Keep a point; its number in the session. values: numbers by name, as docs/sesh.md says.
  async record({ userId, sessionId, at = new Date().toISOString(), values }) {
    const seq = this.next();
    await this.keep([JSON.stringify({ userId, sessionId, seq, at, values })]);
    return seq;
  }
}
