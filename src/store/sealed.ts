declare const sealedBrand: unique symbol;

/** A sealed value. Only a sealer makes one, so that plain text in a sealed column does not compile. */
export type Sealed = string & { readonly [sealedBrand]: true };
