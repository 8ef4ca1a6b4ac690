"""Where a beacon's rounds come from: drand's servers, or a development key, by the same road and checked alike."""
