// ClearLift's web events on their way to R2.
import { Batches } from "./batches.js";

export class EventBatches extends Batches {
  constructor(ctx, env) {
    super(ctx, env, { landing: env.LANDING, prefix: "landing/events/", seconds: Number(env.FLUSH_SECONDS ?? 30) });
  }
}
